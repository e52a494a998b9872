"""Which image of a recipe a card gets. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bakehouse.model.cell import Cell, Resolution
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Matrix
from bakehouse.model.stack import Service
from bakehouse.planning.candidates import RankedCell
from bakehouse.planning.gpus import Fit, Target
from bakehouse.planning.recommend import advise
from bakehouse.stacks.plan import Slot, StackMachine

_ALONE = Resolution(cells=(), excluded=())
"""What is ruled out, and why, is not asked here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What cells are chosen from."""

    cells: tuple[Cell, ...]
    matrix: Matrix
    machine: StackMachine
    targets: Mapping[int, Target]
    """By the card's position."""


def for_slot(service: Service, slot: Slot, world: World) -> Cell | None:
    """The best cell for a card, by its code and the machine's driver; None: no image runs on it."""
    wanted = slot.accelerator if service.accelerator == "any" else AcceleratorName(service.accelerator)
    if wanted is AcceleratorName.CPU:
        return None
    cells = [cell for cell in of_service(service, world) if cell.at.accelerator is wanted]
    driver = world.machine.driver if slot.accelerator is AcceleratorName.CUDA else None
    ranked = advise(cells, _ALONE, world.matrix, target=world.targets[slot.index], driver=driver).ranked
    return next((one.cell for one in ranked if _runs(one)), None)


def for_processor(service: Service, world: World) -> Cell | None:
    """The plainest cell for the machine's processor."""
    if service.accelerator not in ("any", "cpu"):
        return None
    cells = [cell for cell in of_service(service, world) if cell.at.accelerator is AcceleratorName.CPU]
    return min(cells, key=lambda cell: (cell.at.flag_set != "default", cell.name), default=None)


def of_service(service: Service, world: World) -> Iterable[Cell]:
    """The cells that a service may be, for the machine's platform."""
    for cell in world.cells:
        named = cell.name == service.cell if service.cell else cell.at.recipe == service.recipe
        if named and cell.at.platform == world.machine.platform:
            yield cell


def _runs(one: RankedCell) -> bool:
    """PTX is compiled at the first start, which takes minutes: no image of a stack starts so."""
    return one.runs != "no" and one.fit is not Fit.PTX
