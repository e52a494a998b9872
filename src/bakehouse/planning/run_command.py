"""What a person types so that a container reaches the card: docs/choosing.md explains each option. Pure."""

from __future__ import annotations

from bakehouse.model.cell import Cell
from bakehouse.model.enums import AcceleratorName
from bakehouse.planning.gpus import Target

RENDER_GROUP = '--device /dev/dri --group-add "$(stat -c %g /dev/dri/renderD128)"'
"""Images have no group `render`, and their user is not root: the number is the machine's."""


def run_command(cell: Cell, target: Target | None) -> str:
    """`docker run` up to the image; the server's own arguments follow."""
    port = cell.recipe.runtime.port
    words = ["docker run --rm", f"-p {port}:{port}", *devices(cell.at.accelerator, target), cell.image]
    return " ".join(words)


def devices(accelerator: AcceleratorName, target: Target | None) -> list[str]:
    """Options of `docker run` that give a container the card."""
    match accelerator:
        case AcceleratorName.CPU:
            return []
        case AcceleratorName.CUDA:
            return ["--gpus all"]
        case AcceleratorName.ROCM:
            return ['--device /dev/kfd --group-add "$(stat -c %g /dev/kfd)"', RENDER_GROUP]
        case AcceleratorName.XPU:
            return [RENDER_GROUP]
        case AcceleratorName.VULKAN:
            if target and target.accelerators[0] is AcceleratorName.VULKAN:
                return []
            nvidia = target is not None and AcceleratorName.CUDA in target.accelerators
            return ["--gpus all"] if nvidia else [RENDER_GROUP]
