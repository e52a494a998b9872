"""An accelerator that the vocabulary knows and no template serves yet: each of its cells is excluded, and says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.version import Version

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

    def unsupported(self, matrix: Matrix, toolkit: str | None, arch: str | None) -> str | None:
        return _age(matrix, toolkit, arch) or f"no template builds {self.name} images yet"

    def plugin_targets(self, cell: Cell) -> tuple[str, ...]:
        return (f"ggml-{self.name}", *cell.flag_set.plugins)

    def driver_libraries(self) -> frozenset[str]:
        return frozenset()


def _age(matrix: Matrix, toolkit: str | None, arch: str | None) -> str | None:
    """Why a toolkit is too old or too new for an arch, as the matrix's rows tell."""
    if toolkit is None or arch is None:
        return None
    version, row = matrix.toolkits[toolkit].version, matrix.archs[arch]
    if row.first_toolkit and Version(version) < Version(row.first_toolkit):
        return f"{toolkit} cannot compile {arch}; {row.first_toolkit} is the first that can"
    if row.last_toolkit and Version(version) > Version(row.last_toolkit):
        return f"{toolkit} no longer compiles {arch}; {row.last_toolkit} is the last that can"
    return None
