"""No GPU: ggml's CPU backend, one plugin for each variant, the best one chosen at start-up."""

from __future__ import annotations

from collections.abc import Iterator

from bakehouse.model.cell import Cell
from bakehouse.model.files import Matrix


class Cpu:
    def variants(self, matrix: Matrix) -> Iterator[tuple[str | None, str | None]]:  # noqa: ARG002 - the protocol's shape
        yield None, None

    def unsupported(self, matrix: Matrix, toolkit: str | None, arch: str | None) -> str | None:  # noqa: ARG002
        return None

    def plugin_targets(self, cell: Cell) -> tuple[str, ...]:
        return tuple(f"ggml-cpu-{variant}" for variant in cell.cpu_variants) + cell.flag_set.plugins

    def driver_libraries(self) -> frozenset[str]:
        return frozenset()
