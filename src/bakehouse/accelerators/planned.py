"""An accelerator that the vocabulary knows and no template serves yet: each of its cells is excluded, and says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bakehouse.model.cell import Cell
from bakehouse.model.files import Matrix
from bakehouse.model.words import AcceleratorName


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    name: AcceleratorName

    def variants(self, matrix: Matrix) -> Iterator[tuple[str | None, str | None]]:
        toolkits: list[str | None] = [
            name for name in matrix.axes.toolkit if matrix.toolkits[name].accelerator is self.name
        ]
        archs: list[str | None] = [name for name in matrix.axes.arch if matrix.archs[name].accelerator is self.name]
        for toolkit in toolkits or [None]:
            for arch in archs or [None]:
                yield toolkit, arch

    def unsupported(self, matrix: Matrix, toolkit: str | None, arch: str | None) -> str | None:  # noqa: ARG002
        return f"no template builds {self.name} images yet"

    def plugin_targets(self, cell: Cell) -> tuple[str, ...]:
        return (f"ggml-{self.name}", *cell.flag_set.plugins)

    def driver_libraries(self) -> frozenset[str]:
        return frozenset()
