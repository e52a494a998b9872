"""The valid cell that is nearest to a combination that is not built.

A person who asks for a cell that cannot be built has a card and a machine; the rest may change. So the nearest cell
keeps, in this order: the recipe (always), the accelerator, the cards, the platform, the flag set. The toolkit changes
first, to the next newer valid one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from bakehouse.model.cell import DEFAULT_FLAG_SET, Coordinates
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Matrix
from bakehouse.planning.rules import archs_of, as_version, cards_of

INSTEAD = (
    AcceleratorName.VULKAN,
    AcceleratorName.CPU,
    AcceleratorName.CUDA,
    AcceleratorName.ROCM,
    AcceleratorName.XPU,
)
"""What is offered when nothing of an accelerator is left: what runs on most cards first."""


K = TypeVar("K")
V = TypeVar("V")
FlagSets = dict[str, list[Coordinates]]
Platforms = dict[str, FlagSets]
Archs = dict[str | None, Platforms]


class Neighbourhood:
    """The valid cells as a tree: recipe, accelerator, arch, platform, flag set; toolkits are its leaves.

    On each level the nearest branch is taken, and every branch ends in a cell, so that one search looks at the values
    of a few axes instead of all cells.
    """

    def __init__(self, valid: Iterable[Coordinates], matrix: Matrix) -> None:
        self._matrix = matrix
        self._cards = {arch: cards_of(arch, matrix) for arch in (*matrix.archs, *matrix.arch_groups)}
        versions = sorted({as_version(row.version) for row in matrix.toolkits.values()})
        self._age = {name: versions.index(as_version(row.version)) for name, row in matrix.toolkits.items()}
        self._recipes: dict[str, dict[AcceleratorName, Archs]] = {}
        self._archs: dict[tuple[str, AcceleratorName, str | None], str | None] = {}
        for at in sorted(valid, key=lambda at: at.name):
            archs = self._recipes.setdefault(at.recipe, {}).setdefault(at.accelerator, {})
            archs.setdefault(at.arch, {}).setdefault(at.platform, {}).setdefault(at.flag_set, []).append(at)

    def nearest(self, to: Coordinates) -> Coordinates | None:
        """None where the recipe has no valid cell at all."""
        accelerators = self._recipes.get(to.recipe)
        if not accelerators:
            return None
        accelerator = min(accelerators, key=lambda name: (name is not to.accelerator, INSTEAD.index(name)))
        platforms = accelerators[accelerator][self._nearest_arch(to, accelerator)]
        flag_sets = _take(platforms, lambda platform: (platform != to.platform, platform))
        cells = _take(flag_sets, lambda name: (name != to.flag_set, name != DEFAULT_FLAG_SET, name))
        return min(cells, key=lambda at: self._distance_of_toolkits(to.toolkit, at.toolkit))

    def _nearest_arch(self, to: Coordinates, accelerator: AcceleratorName) -> str | None:
        """Kept, because the answer is the same for many points."""
        key = (to.recipe, accelerator, to.arch)
        if key not in self._archs:
            archs = self._recipes[to.recipe][accelerator]
            self._archs[key] = min(archs, key=lambda arch: (self._distance_of_archs(to.arch, arch), arch or ""))
        return self._archs[key]

    def _distance_of_archs(self, wanted: str | None, offered: str | None) -> tuple[int, int]:
        """The same, code for all of it, code for some of its cards (fewest are left), another thing."""
        if wanted == offered:
            return (0, 0)
        if wanted is None or offered is None:
            return (3, 0)
        meant, served = self._cards[wanted], self._cards[offered]
        if served.issuperset(archs_of(wanted, self._matrix)):
            return (1, 0)
        return (2, len(meant - served)) if meant & served else (3, 0)

    def _distance_of_toolkits(self, wanted: str | None, offered: str | None) -> tuple[int, int]:
        """Newer before older; within them by the number of versions between."""
        if wanted is None or offered is None:
            return (0, 0)
        steps = self._age[offered] - self._age[wanted]
        return (1, steps) if steps >= 0 else (2, -steps)


def _take(branches: dict[K, V], distance: Callable[[K], tuple[object, ...]]) -> V:
    return branches[min(branches, key=distance)]
