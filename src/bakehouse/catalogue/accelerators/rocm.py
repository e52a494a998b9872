"""AMD's cards: a code object for each gfx arch. The user-space driver is in the image, only the kernel's is outside."""

from __future__ import annotations

from collections.abc import Sequence


class Rocm:
    toolkit_name = "ROCm"
    needs_toolkit = True
    needs_arch = True
    has_ptx = False

    def arch_list(self, codes: Sequence[str], ptx: str | None) -> str:  # noqa: ARG002 - AMD has no intermediate code
        return ";".join(codes)

    def driver_libraries(self) -> frozenset[str]:
        return frozenset()
