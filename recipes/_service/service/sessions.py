"""A model in onnxruntime, on the device that the image was built for and no other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from service.settings import Settings, usable_threads

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "rocm": "MIGraphXExecutionProvider",
    "xpu": "OpenVINOExecutionProvider",
}
OPTIONS = {
    "cpu": {},
    "cuda": {
        "cudnn_conv_algo_search": "HEURISTIC",  # the default tries every algorithm again for each new size of a batch
        "arena_extend_strategy": "kSameAsRequested",
    },
    "rocm": {},
    "xpu": {"device_type": "GPU"},  # OpenVINO's name for Intel's cards
}
WHOLE = frozenset({"rocm", "xpu"})
"""Whose providers take a whole model; what they left would be computed by the CPU in silence."""
ENGINES = frozenset({".engine", ".plan", ".trt"})
"""What TensorRT's engines are called."""
NO_CPU = "session.disable_cpu_ep_fallback"
Array = npt.NDArray[Any]
Kept = Any
"""A tensor on the device: an OrtValue."""


class Session:
    """One model. `run` may be called by several threads."""

    def __init__(self, file: Path, settings: Settings, *, variable: str = "MODEL", arena: bool = True) -> None:
        """`arena`: whether memory that an inference took is kept for the next. Models that come and go give it back.

        Raises FileNotFoundError and RuntimeError, which name the variable.
        """
        there(file, variable)
        self.file = file
        self.sha256 = sha256_of(file)
        self._device = settings.device
        self._memory = "cuda" if settings.device == "cuda" else "cpu"
        self._session = _open(file, settings, variable, arena=arena)
        self.inputs = {one.name: one for one in self._session.get_inputs()}
        self.outputs = {one.name: one for one in self._session.get_outputs()}

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name. On a card by IO binding: one copy in, one copy out."""
        found = self._run_bound(feeds) if self._memory == "cuda" else self._session.run(None, dict(feeds))
        return dict(zip(self.outputs, found, strict=True))

    def keep(self, value: Array) -> Kept:
        """A copy on the device, for what is fed more than once."""
        return ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(value), self._memory)

    def run_kept(self, feeds: Mapping[str, Array | Kept]) -> dict[str, Kept]:
        """As `run`; but outputs stay on the device, and can be fed again without a copy. `.numpy()` copies one."""
        binding = self._session.io_binding()
        for name, value in feeds.items():
            if isinstance(value, np.ndarray):
                binding.bind_cpu_input(name, np.ascontiguousarray(value))
            else:
                binding.bind_ortvalue_input(name, value)
        for name in self.outputs:
            binding.bind_output(name, self._memory)
        self._session.run_with_iobinding(binding)
        return dict(zip(self.outputs, binding.get_outputs(), strict=True))

    def typed(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Numbers with a fraction in the type that the model was exported with."""
        half = {name for name, one in self.inputs.items() if one.type == "tensor(float16)"}
        return {
            name: value.astype(np.float16 if name in half else np.float32, copy=False)
            if value.dtype.kind == "f"
            else value
            for name, value in feeds.items()
        }

    def _run_bound(self, feeds: Mapping[str, Array]) -> list[Array]:
        binding = self._session.io_binding()
        for name, value in feeds.items():
            binding.bind_cpu_input(name, np.ascontiguousarray(value))
        for name in self.outputs:
            binding.bind_output(name, self._memory)
        self._session.run_with_iobinding(binding)
        return list(binding.copy_outputs_to_cpu())

    @property
    def providers(self) -> list[str]:
        return list(self._session.get_providers())

    def info(self) -> dict[str, Any]:
        return {
            "model": self.file.name,
            "model_sha256": self.sha256,
            "device": self._device,
            "providers": self.providers,
            "onnxruntime": ort.__version__,
        }


def there(file: Path, variable: str) -> None:
    if not file.is_file():
        raise FileNotFoundError(f"{variable}: there is no file {file}; mount it, or name another")


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _open(file: Path, settings: Settings, variable: str, *, arena: bool) -> ort.InferenceSession:
    if file.suffix in ENGINES:
        raise RuntimeError(
            f"{variable}: {file.name} is an engine of TensorRT, which runs with the version and the arch that it was "
            "built for and no others; this image has no TensorRT. Name the ONNX file that it was made of."
        )
    provider = _provider(settings)
    options = ort.SessionOptions()
    options.intra_op_num_threads = usable_threads(settings.threads)
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = arena
    options.log_severity_level = 3
    if settings.device in WHOLE:
        options.add_session_config_entry(NO_CPU, "1")
    try:
        session = ort.InferenceSession(str(file), options, providers=[(provider, OPTIONS[settings.device])])
    except Exception as error:  # noqa: BLE001 - its many kinds share no base of their own
        reason = str(error).strip().splitlines()[0][:300]
        if "fallback to CPU" in reason:
            raise RuntimeError(
                f"DEVICE={settings.device}: {file.name} would run on the CPU, or parts of it; is the driver there?"
            ) from None
        raise RuntimeError(f"{variable}: {file.name} cannot be loaded: {reason}") from None
    if session.get_providers()[0] != provider:
        found = ", ".join(session.get_providers())
        raise RuntimeError(f"DEVICE={settings.device}: the model would run on {found}; is the driver there?")
    return session


def _provider(settings: Settings) -> str:
    provider = PROVIDERS.get(settings.device)
    if provider is None:
        raise RuntimeError(f"DEVICE={settings.device!r}: there is {', '.join(PROVIDERS)}")
    if settings.device == "cuda":
        ort.preload_dlls()
    if provider not in ort.get_available_providers():
        raise RuntimeError(f"DEVICE={settings.device}: onnxruntime has only {', '.join(ort.get_available_providers())}")
    return provider
