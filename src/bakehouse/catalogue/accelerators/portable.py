"""One build for every device: no toolkit, no archs, and nothing that the image lacks at rest.

The processor: where a recipe names variants, a plugin for each, the best one chosen at start-up. Any card with a Vulkan
driver: SPIR-V shaders, compiled by the driver; Mesa's drivers are in the image.
"""

from __future__ import annotations

from collections.abc import Sequence


class Portable:
    toolkit_name = ""
    needs_toolkit = False
    needs_arch = False
    has_ptx = False

    def arch_list(self, codes: Sequence[str], ptx: str | None) -> str:  # noqa: ARG002 - the protocol's shape
        return ""

    def driver_libraries(self) -> frozenset[str]:
        return frozenset()
