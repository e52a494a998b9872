"""Images for GPUs around the real device code in `data/`, which `data/make.sh` made."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bakehouse.model.enums import AcceleratorName
from bakehouse.prove.expect import Expectation
from bakehouse.prove.image.at_rest import ImageAtRest
from tests.unit.prove.builders import GOOD_CONFIG, PROMISE, Item, bake, file
from tests.unit.prove.elves import elf

DATA = Path(__file__).parent / "data"

CODES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cuda12-sm_86": (("sm_86",), ()),
    "cuda12-sm_86-lz4": (("sm_86",), ()),
    "cuda12-sm_86-ptx_86": (("sm_86",), ("sm_86",)),
    "cuda12-sm_90a": (("sm_90a",), ()),
    "cuda13-ptx_90": ((), ("sm_90",)),
    "cuda13-sm_86": (("sm_86",), ()),
    "cuda13-sm_86-zstd": (("sm_86",), ()),
    "cuda13-sm_86-ptx_90": (("sm_86",), ("sm_90",)),
    "cuda13-sm_86-sm_120a": (("sm_86", "sm_120a"), ()),
    "cuda13-sm_86-sm_120a-sm_121a": (("sm_86", "sm_120a", "sm_121a"), ()),
    "cuda13-sm_120": (("sm_120",), ()),
    "cuda13-sm_120a": (("sm_120a",), ()),
    "cuda13-sm_120f": (("sm_120f",), ()),
}
"""Native code and PTX of each container, as `cuobjdump -lelf -lptx` lists them (but it leaves the `f` out)."""

FLOORS = {"io.bakehouse.driver-floor": "550.54.14", "io.bakehouse.driver-floor-minor": "525.60.13"}

CUDA_PROMISE = replace(
    PROMISE,
    accelerator=AcceleratorName.CUDA,
    plugins=(*PROMISE.plugins, "libggml-cuda.so"),
    backend_plugins=("libggml-cuda.so",),
    codes=("sm_86",),
    toolkit="cuda 12.4",
    driver_floor="550.54.14",
    driver_floor_minor="525.60.13",
    driver_libraries=frozenset({"libcuda.so.1", "libnvidia-ml.so.1"}),
    labels={**PROMISE.labels, **FLOORS},
)
ROCM_PROMISE = replace(
    PROMISE,
    accelerator=AcceleratorName.ROCM,
    plugins=(*PROMISE.plugins, "libggml-hip.so"),
    backend_plugins=("libggml-hip.so",),
    codes=("gfx1100",),
)
VULKAN_PROMISE = replace(
    PROMISE,
    accelerator=AcceleratorName.VULKAN,
    plugins=(*PROMISE.plugins, "libggml-vulkan.so"),
    backend_plugins=("libggml-vulkan.so",),
)

SPIRV = struct.pack("<7I", 0x07230203, 0x00010500, 13 << 16, 70, 0, 2 << 16 | 17, 1)
"""The start of a module of version 1.5: header and `OpCapability Shader`."""


def fatbin(name: str) -> bytes:
    return (DATA / f"{name}.fatbin").read_bytes()


def bundle(name: str) -> bytes:
    return (DATA / f"{name}.hipfb").read_bytes()


def plugin(name: str, data: Mapping[str, bytes], **changes: Any) -> Item:
    """`libggml-NAME.so` with these sections."""
    content = elf(soname=f"libggml-{name}.so", exports={"ggml_backend_init": 0}, data=data, **changes)
    return file(f"/app/libggml-{name}.so", content, mode=0o755)


def cuda_plugin(*names: str, **changes: Any) -> Item:
    """A plugin of one source file for each name in `data/`."""
    settings = {
        "needed": ("libcudart.so.12", "libcuda.so.1"),
        "undefined": ("cuInit", "cudaMalloc"),
        "runpath": "$ORIGIN",
    }
    return plugin("cuda", {".nv_fatbin": b"".join(fatbin(name) for name in names)}, **{**settings, **changes})


CUDART = file("/app/libcudart.so.12", elf(soname="libcudart.so.12", exports={"cudaMalloc": 0}), mode=0o755)


def bake_cuda(folder: Path, *names: str, add: Sequence[Item] = (), **changes: Any) -> ImageAtRest:
    """A good image for sm_86, or with the device code of these names."""
    parts = [cuda_plugin(*(names or ("cuda12-sm_86",))), CUDART, *add]
    labels = {"Labels": GOOD_CONFIG["Labels"] | FLOORS}
    return bake(folder, add=parts, **{"config": labels, **changes})


def promise_cuda(**changes: Any) -> Expectation:
    return replace(CUDA_PROMISE, **changes)
