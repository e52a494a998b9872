"""The accelerators of this machine, as a container gets them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from bakehouse.model.words import AcceleratorName


@dataclass(frozen=True, kw_only=True, slots=True)
class Devices:
    """What is handed to a container, and the name of the lease that guards it."""

    lease: str = "cpu"
    gpus: str | None = None
    """Value of Docker's `--gpus`."""
    nodes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Group ids that own the nodes: the image's user is not root."""


CPU = Devices()


def visible(accelerator: AcceleratorName, *, dev: Path = Path("/dev")) -> Devices | None:
    """Find the first device of that kind; None where this machine has none (an image can still be started)."""
    match accelerator:
        case AcceleratorName.CPU:
            return CPU
        case AcceleratorName.CUDA:
            # A DGX Spark and WSL have no /dev/nvidia0, but /dev/nvidiactl or /dev/dxg.
            found = any((dev / name).exists() for name in ("nvidia0", "nvidiactl", "dxg"))
            return Devices(lease="gpu-0", gpus="device=0") if found else None
        case AcceleratorName.ROCM:
            return _nodes([dev / "kfd", *_render_nodes(dev)], needed=2)
        case AcceleratorName.XPU | AcceleratorName.VULKAN:
            return _nodes(_render_nodes(dev), needed=1)
        case _:
            assert_never(accelerator)


def _render_nodes(dev: Path) -> list[Path]:
    return sorted((dev / "dri").glob("renderD*"))[:1]


def _nodes(paths: list[Path], *, needed: int) -> Devices | None:
    present = [path for path in paths if path.exists()]
    if len(present) < needed:
        return None
    groups = tuple(sorted({str(path.stat().st_gid) for path in present}))
    return Devices(lease="gpu-0", nodes=tuple(map(str, present)), groups=groups)
