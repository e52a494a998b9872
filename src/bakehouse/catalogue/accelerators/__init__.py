"""What differs between accelerators and cannot be data: how a compiler is told the archs, what only the driver brings.

A new accelerator is one module with an `Accelerator` and one line in `ACCELERATORS`; the line alone where `Portable`
says all there is.
"""

from __future__ import annotations

from bakehouse.catalogue.accelerators.accelerator import Accelerator
from bakehouse.catalogue.accelerators.cuda import Cuda
from bakehouse.catalogue.accelerators.portable import Portable
from bakehouse.catalogue.accelerators.rocm import Rocm
from bakehouse.catalogue.accelerators.xpu import Xpu
from bakehouse.model.enums import AcceleratorName

ACCELERATORS: dict[AcceleratorName, Accelerator] = {
    AcceleratorName.CPU: Portable(),
    AcceleratorName.CUDA: Cuda(),
    AcceleratorName.ROCM: Rocm(),
    AcceleratorName.XPU: Xpu(),
    AcceleratorName.VULKAN: Portable(),
}
"""The seam between the flow and the accelerators."""
