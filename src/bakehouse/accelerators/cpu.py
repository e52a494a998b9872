"""No GPU: ggml's CPU backend, one plugin for each variant, the best one chosen at start-up."""

from __future__ import annotations

from collections.abc import Sequence


class Cpu:
    toolkit_name = ""
    needs_toolkit = False
    needs_arch = False
    has_ptx = False

    def arch_list(self, codes: Sequence[str], ptx: str | None) -> str:  # noqa: ARG002 - the protocol's shape
        return ""

    def driver_libraries(self) -> frozenset[str]:
        return frozenset()
