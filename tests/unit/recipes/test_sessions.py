"""A model is computed by the device that the image was built for, or not at all."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnxruntime as ort
import pytest
from service.sessions import NO_CPU, PROVIDERS, Session
from service.settings import Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"weights")
    return path


class Opened:
    """Stands for onnxruntime where it has every provider: remembers how it was asked for a session."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, gets: list[str] | None = None, fails: str = "") -> None:
        self.options: Any = None
        self._gets, self._fails = gets, fails
        monkeypatch.setattr(ort, "get_available_providers", lambda: list(PROVIDERS.values()))
        monkeypatch.setattr(ort, "preload_dlls", lambda: None, raising=False)
        monkeypatch.setattr(ort, "InferenceSession", self._open)

    def _open(self, _: str, options: Any, providers: list[tuple[str, dict[str, str]]]) -> SimpleNamespace:
        self.options = options
        if self._fails:
            raise RuntimeError(self._fails)
        found = self._gets or [providers[0][0], "CPUExecutionProvider"]
        return SimpleNamespace(get_inputs=list, get_outputs=list, get_providers=lambda: found)


@pytest.mark.parametrize("device", ["rocm", "xpu"])
def test_a_card_whose_provider_takes_whole_models_leaves_nothing_to_the_cpu(
    device: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Opened(monkeypatch)

    assert Session(file, Settings(model=file, device=device)).providers[0] == PROVIDERS[device]
    assert opened.options.get_session_config_entry(NO_CPU) == "1"


@pytest.mark.parametrize("device", ["cuda", "rocm", "xpu"])
def test_a_card_that_is_not_there_is_no_reason_to_compute_elsewhere(
    device: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Opened(monkeypatch, gets=["CPUExecutionProvider"])

    with pytest.raises(RuntimeError, match=f"DEVICE={device}: the model would run on CPUExecutionProvider"):
        Session(file, Settings(model=file, device=device))


def test_a_part_that_only_the_cpu_could_compute_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Opened(monkeypatch, fails="this session disabled fallback to CPU EP; some nodes were not assigned")

    with pytest.raises(RuntimeError, match=r"DEVICE=rocm: model.onnx would run on the CPU, or parts of it"):
        Session(file, Settings(model=file, device="rocm"))


def test_what_this_onnxruntime_lacks_is_named_with_what_it_has(file: Path) -> None:
    with pytest.raises(RuntimeError, match=r"onnxruntime has only .*CPUExecutionProvider"):
        Session(file, Settings(model=file, device="rocm"))


def test_an_unknown_device_is_named_with_those_that_are_known(file: Path) -> None:
    with pytest.raises(RuntimeError, match="DEVICE='tpu': there is cpu, cuda, rocm, xpu"):
        Session(file, Settings(model=file, device="tpu"))


@pytest.mark.parametrize("suffix", [".engine", ".plan", ".trt"])
def test_an_engine_of_tensorrt_is_refused_before_it_is_loaded(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Opened(monkeypatch)
    engine = tmp_path / f"yolo26m_fp16{suffix}"
    engine.write_bytes(b"engine")

    with pytest.raises(RuntimeError, match="the version and the arch that it was built for"):
        Session(engine, Settings(model=engine, device="cuda"))
    assert opened.options is None
