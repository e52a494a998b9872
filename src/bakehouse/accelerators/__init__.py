"""What differs between accelerators: which axes a cell has, and which plugins its image holds.

A new accelerator is one module with an `Accelerator` and one line in `ACCELERATORS`.
"""

from __future__ import annotations

from bakehouse.accelerators.accelerator import Accelerator
from bakehouse.accelerators.cpu import Cpu
from bakehouse.accelerators.planned import Planned
from bakehouse.model.words import AcceleratorName

ACCELERATORS: dict[AcceleratorName, Accelerator] = {
    AcceleratorName.CPU: Cpu(),
    AcceleratorName.CUDA: Planned(name=AcceleratorName.CUDA),
    AcceleratorName.ROCM: Planned(name=AcceleratorName.ROCM),
    AcceleratorName.XPU: Planned(name=AcceleratorName.XPU),
    AcceleratorName.VULKAN: Planned(name=AcceleratorName.VULKAN),
}
