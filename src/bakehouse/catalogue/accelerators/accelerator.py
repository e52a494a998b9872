"""The interface that each accelerator implements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Accelerator(Protocol):
    @property
    def toolkit_name(self) -> str:
        """What people call its toolkits: `CUDA`; empty where it has none."""
        ...

    @property
    def needs_toolkit(self) -> bool:
        """Whether a cell has a toolkit; without, the backend is compiled on the recipe's own base."""
        ...

    @property
    def needs_arch(self) -> bool:
        """Whether a cell says for which archs it holds code; without, the driver compiles at run time."""
        ...

    @property
    def has_ptx(self) -> bool:
        """Whether there is code for cards that are newer than the toolkit, which the driver compiles for them."""
        ...

    def arch_list(self, codes: Sequence[str], ptx: str | None) -> str:
        """The archs as the build's option takes them: `86-real;120a-real;90-virtual`."""
        ...

    def driver_libraries(self) -> frozenset[str]:
        """Sonames that only the host's driver brings: the only ones that may be missing at rest."""
        ...
