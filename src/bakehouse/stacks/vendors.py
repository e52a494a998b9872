"""How each vendor's cards are named to each kind of target: one table, with where its words come from. Pure.

NVIDIA: https://github.com/NVIDIA/k8s-device-plugin, docs/gpu-feature-discovery. AMD: https://github.com/ROCm/k8s-device-plugin.
Intel: https://github.com/intel/intel-device-plugins-for-kubernetes, cmd/gpu_plugin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bakehouse.model.enums import AcceleratorName
from bakehouse.model.stack_host import Sharing

RENDER_NODE = "/dev/dri/renderD128"
"""The first card's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vendor:
    name: str
    """Of its overlay."""
    resource: str
    """What a pod asks Kubernetes for."""
    sharing: dict[Sharing | Literal["mig"], str]
    """Resource by the way in which a card is shared; what is missing, the vendor's plugin cannot do."""
    node_labels: dict[str, str]
    """That a node with such cards has."""
    kfd: bool = False
    render: bool = False
    cdi: str | None = None
    """Kind of its CDI devices."""
    device_class: str | None = None
    """Of dynamic resource allocation."""
    usual: str = ""
    """The card that an overlay is rendered for where the machine has none of this vendor."""


NVIDIA = Vendor(
    name="nvidia",
    resource="nvidia.com/gpu",
    sharing={
        "none": "nvidia.com/gpu",
        "time-slicing": "nvidia.com/gpu.shared",
        "mps": "nvidia.com/gpu.shared",
        "mig": "nvidia.com/mig",
    },
    node_labels={"nvidia.com/gpu.present": "true"},
    cdi="nvidia.com/gpu",
    device_class="gpu.nvidia.com",
    usual="rtx-a5500",
)
AMD = Vendor(
    name="amd",
    resource="amd.com/gpu",
    sharing={"none": "amd.com/gpu"},
    node_labels={},
    kfd=True,
    render=True,
    device_class="gpu.amd.com",
    usual="rx7900xtx",
)
INTEL = Vendor(
    name="intel",
    resource="gpu.intel.com/xe",
    sharing={"none": "gpu.intel.com/xe", "shared-dev-num": "gpu.intel.com/xe"},
    node_labels={"intel.feature.node.kubernetes.io/gpu": "true"},
    render=True,
    device_class="gpu.intel.com",
    usual="arc-b580",
)
VENDORS = {AcceleratorName.CUDA: NVIDIA, AcceleratorName.ROCM: AMD, AcceleratorName.XPU: INTEL}
"""By the accelerator that a vendor's cards are catalogued with."""
