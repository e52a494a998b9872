"""Intel's cards through SYCL: SPIR-V, which the driver in the image compiles for the card it finds."""

from __future__ import annotations

from collections.abc import Sequence


class Xpu:
    toolkit_name = "oneAPI"
    needs_toolkit = True
    needs_arch = False
    has_ptx = False

    def arch_list(self, codes: Sequence[str], ptx: str | None) -> str:  # noqa: ARG002 - the protocol's shape
        return ",".join(codes)

    def driver_libraries(self) -> frozenset[str]:
        return frozenset()
