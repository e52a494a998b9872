"""The oldest driver of a cell: that of its toolkit, unless its archs or its options ask for a newer one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bakehouse.model.build import Backend
from bakehouse.model.matrix import FlagSet, Matrix, Toolkit
from bakehouse.planning.rules import as_version


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """Something in a cell that no older driver runs."""

    driver: str
    by: Literal["toolkit", "arch", "option"]
    name: str
    """Of the arch or the option; empty for the toolkit."""
    reason: str


def with_floors_of_cell(
    toolkit: Toolkit, archs: Sequence[str], backend: Backend | None, flag_set: FlagSet, matrix: Matrix
) -> Toolkit:
    """The toolkit's row with the floors of a cell. One without floors of its own stays as it is."""
    if toolkit.driver_floor is None:
        return toolkit
    raised = highest(demands(toolkit, archs, backend, flag_set, matrix)).driver
    full = max(toolkit.driver_floor, raised, key=as_version)
    minor = raised if toolkit.driver_floor_minor else None
    if (full, minor) == (toolkit.driver_floor, toolkit.driver_floor_minor):
        return toolkit
    return toolkit.model_copy(update={"driver_floor": full, "driver_floor_minor": minor})


def demands(
    toolkit: Toolkit, archs: Sequence[str], backend: Backend | None, flag_set: FlagSet, matrix: Matrix
) -> tuple[Demand, ...]:
    """Everything that asks for a driver to run the cell's native code, the toolkit first."""
    own = toolkit.driver_floor_minor or toolkit.driver_floor
    found = [Demand(driver=own, by="toolkit", name="", reason="the toolkit's own floor")] if own else []
    return (*found, *_of_archs(archs, matrix), *_of_options(toolkit, backend, flag_set))


def highest(found: Sequence[Demand]) -> Demand:
    """The one that decides; the first of equals."""
    return max(found, key=lambda one: as_version(one.driver))


def _of_archs(archs: Sequence[str], matrix: Matrix) -> Iterator[Demand]:
    """An image for several archs starts with the driver of the oldest."""
    first = [(row.first_driver, arch) for arch in archs if (row := matrix.archs[arch])]
    known = [(driver, arch) for driver, arch in first if driver]
    if known and len(known) == len(first):
        driver, arch = min(known, key=lambda pair: as_version(pair[0]))
        yield Demand(driver=driver, by="arch", name=arch, reason=f"no older driver knows {arch}")


def _of_options(toolkit: Toolkit, backend: Backend | None, flag_set: FlagSet) -> Iterator[Demand]:
    if backend is None:
        return
    options = backend.cmake | toolkit.cmake | ({} if flag_set.plugins else flag_set.cmake)
    for row in backend.driver_demands:
        heard = row.first_toolkit is None or as_version(toolkit.version) >= as_version(row.first_toolkit)
        if heard and options.get(row.option) in row.values:
            yield Demand(driver=row.driver, by="option", name=row.option, reason=row.reason)
