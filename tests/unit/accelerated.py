"""A small project with accelerators: three CUDA toolkits, ROCm, Vulkan, a group of archs, four cards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bakehouse.model.cell import Resolution, World
from bakehouse.planning.resolve import resolve
from tests.unit.projects import matrix, recipe
from tests.unit.worlds import build

BOTH = ["linux/amd64", "linux/arm64"]
SOURCE = "https://example.org/cuda"


def _base(platforms: list[str]) -> dict[str, Any]:
    return {"os": "debian13", "platforms": platforms, "places": [{"registry": "docker.io/library/debian:trixie-slim"}]}


def _cuda(version: str, floor: str, minor: str) -> dict[str, Any]:
    return {
        "accelerator": "cuda",
        "version": version,
        "build_base": "debian",
        "driver_floor": floor,
        "driver_floor_minor": minor,
        "source": SOURCE,
    }


MATRIX = matrix(
    bases={"debian": _base(BOTH), "rocm": _base(["linux/amd64"])},
    flag_sets={
        "default": {"summary": "plain", "accelerators": ["cpu", "cuda", "rocm", "vulkan"]},
        "blas": {"summary": "OpenBLAS", "accelerators": ["cpu"]},
    },
    toolkits={
        "cuda12.4": _cuda("12.4.1", "550.54.15", "525.60.13"),
        "cuda12.9": _cuda("12.9.1", "575.57.08", "525.60.13"),
        "cuda13.0": _cuda("13.0.2", "580.95.05", "580.65.06"),
        "cuda13.9": _cuda("13.9.0", "999.1", "580.65.06"),
        "rocm7.2": {"accelerator": "rocm", "version": "7.2.1", "build_base": "rocm"},
    },
    archs={
        "sm_86": {"accelerator": "cuda", "first_toolkit": "11.1", "runs": ["sm_89"]},
        "sm_89": {"accelerator": "cuda", "first_toolkit": "11.8"},
        "sm_90": {"accelerator": "cuda"},
        "sm_120": {"accelerator": "cuda", "first_toolkit": "12.8", "code": "sm_120a", "source": SOURCE},
        "sm_120f": {"accelerator": "cuda", "first_toolkit": "12.9", "runs": ["sm_120", "sm_121"]},
        "sm_121": {
            "accelerator": "cuda", "first_toolkit": "12.9", "code": "sm_121a", "platforms": ["linux/arm64"],
        },
        "gfx1100": {"accelerator": "rocm"},
    },
    arch_groups={"many": {"summary": "x", "archs": ["sm_86", "sm_120", "sm_121"], "ptx": "sm_86"}},
    gpus={
        "rtx5090": {
            "accelerator": "cuda", "arch": "sm_120", "memory": "32 GiB", "also": ["vulkan"], "bandwidth": "1792 GB/s",
            "aliases": ["geforce-rtx-5090"],
        },
        "rtx4090": {"accelerator": "cuda", "arch": "sm_89", "memory": "24 GiB", "pci": ["10de:2684"]},
        "gb10": {
            "accelerator": "cuda", "arch": "sm_121", "platform": "linux/arm64", "aliases": ["dgx-spark"],
            "note": "CUDA 13 suits it best.",
        },
        "rx7900xtx": {"accelerator": "rocm", "arch": "gfx1100", "also": ["vulkan"]},
    },
    axes={
        "accelerator": ["cpu", "cuda", "rocm", "vulkan"],
        "toolkit": ["cuda12.4", "cuda12.9", "cuda13.0", "rocm7.2"],
        "arch": ["sm_86", "sm_120", "sm_121", "many", "gfx1100"],
        "flag_set": ["default", "blas"],
        "platform": BOTH,
    },
)  # fmt: skip

RECIPE = recipe(
    accelerators=["cpu", "cuda", "rocm", "vulkan"],
    build=recipe()["build"]
    | {"backends": {name: {"plugins": [f"ggml-{name}"]} for name in ("cuda", "rocm", "vulkan")}},
)


def accelerated(**changes: Any) -> tuple[World, Resolution]:
    """The project, without files, with some of the matrix's sections changed."""
    tree = MATRIX["sources"]["tree"] | {"committed": datetime(2026, 10, 1, tzinfo=UTC)}
    found = build(MATRIX | {"sources": {"tree": tree}} | changes, {"server": RECIPE})
    return found, resolve(found)
