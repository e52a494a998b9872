"""The seam between the flow and the accelerators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from bakehouse.model.cell import Cell
from bakehouse.model.files import Matrix


class Accelerator(Protocol):
    def variants(self, matrix: Matrix) -> Iterator[tuple[str | None, str | None]]:
        """The (toolkit, arch) pairs that the axes ask for; `(None, None)` where there is nothing to choose."""
        ...

    def unsupported(self, matrix: Matrix, toolkit: str | None, arch: str | None) -> str | None:
        """Why this toolkit cannot serve this arch, as a sentence; None if it can."""
        ...

    def plugin_targets(self, cell: Cell) -> tuple[str, ...]:
        """CMake targets of the backend plugins that an image of this cell holds; `ggml-x` becomes `libggml-x.so`."""
        ...

    def driver_libraries(self) -> frozenset[str]:
        """Sonames that only the host's driver brings: the only ones that may be missing at rest."""
        ...
