"""What to build for a card, what runs on a driver, and why not the rest. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from packaging.version import Version

from bakehouse.model.cell import Cell, Resolution
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Matrix, Toolkit
from bakehouse.planning import arch_support, driver_support
from bakehouse.planning.candidates import RankedCell, candidate_of, card_drivers, rank
from bakehouse.planning.gpus import Target
from bakehouse.planning.ruled_out import Ruled, ruled_out


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolkitAnswer:
    """What a driver does with one toolkit."""

    name: str
    runs: driver_support.Runs
    why: str
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    target: Target | None
    driver: str | None
    ranked: tuple[RankedCell, ...]
    """Best first; last those that the driver does not run."""
    ruled_out: tuple[Ruled, ...]
    toolkits: tuple[ToolkitAnswer, ...]
    """Newest first; only where a driver was named."""
    notes: tuple[str, ...]


def advise(
    cells: Iterable[Cell], resolution: Resolution, matrix: Matrix, *, target: Target | None, driver: str | None
) -> Advice:
    """Rank `cells`, and say of all others why they are not among them.

    Raises InputError when `driver` is no version of a driver.
    """
    version = driver_support.parse(driver) if driver is not None and _is_nvidias(target) else None
    candidates = [candidate_of(cell, matrix, target, version) for cell in cells]
    if target is not None:
        candidates = [candidate for candidate in candidates if candidate.fit]
    ranked = tuple(sorted(candidates, key=lambda candidate: rank(candidate, target, matrix)))
    return Advice(
        target=target,
        driver=driver,
        ranked=ranked,
        ruled_out=ruled_out(resolution, matrix, target),
        toolkits=_toolkits(ranked, version),
        notes=(
            *(_of_the_kernel(driver, target, ranked) if driver and target and not _is_nvidias(target) else ()),
            *_notes(ranked, target, version, resolution, matrix),
        ),
    )


def _is_nvidias(target: Target | None) -> bool:
    return target is None or not {AcceleratorName.ROCM, AcceleratorName.XPU} & set(target.accelerators)


def _of_the_kernel(driver: str, target: Target, ranked: Sequence[RankedCell]) -> Iterable[str]:
    """Of other vendors' cards the user's half of the driver is in the image, and the kernel's half is the host's."""
    own = {one.cell.toolkit.version: one.cell.toolkit for one in ranked if one.cell.toolkit}
    own = {version: toolkit for version, toolkit in own.items() if toolkit.kernel_driver}
    if AcceleratorName.ROCM not in target.accelerators or not own:
        yield f"{target.name} takes none of NVIDIA's drivers: --driver {driver} says nothing about it"
        return
    for toolkit in own.values():
        least = toolkit.kernel_driver or ""
        known = re.fullmatch(r"[0-9]+(?:\.[0-9]+)*", driver)
        suits = known is None or Version(driver) >= Version(least)
        word = "suits" if suits else "is too old for"
        yield (
            f"driver {driver} {word} ROCm {toolkit.version}, which the image brings itself: of the host it takes the "
            f"kernel's driver (amdgpu) of ROCm {least} or later, or that of a kernel which knows the card"
        )


def _toolkits(ranked: Sequence[RankedCell], driver: Version | None) -> tuple[ToolkitAnswer, ...]:
    """One answer for each toolkit of the cells that has a floor: what its least demanding cell gets."""
    if driver is None:
        return ()
    rows: dict[str, Toolkit] = {}
    for one in ranked:
        name, row = one.cell.at.toolkit, one.cell.toolkit
        if name and row and row.driver_floor and (name not in rows or _floor(row) < _floor(rows[name])):
            rows[name] = row
    answers = [
        ToolkitAnswer(
            name=name,
            runs=driver_support.runs(driver, row),
            why=driver_support.why(driver, row),
            cells=tuple(one.cell.name for one in ranked if one.cell.at.toolkit == name),
        )
        for name, row in rows.items()
    ]
    return tuple(sorted(answers, key=lambda answer: Version(rows[answer.name].version), reverse=True))


def _floor(row: Toolkit) -> Version:
    return Version(row.driver_floor_minor or row.driver_floor or "0")


def _notes(
    ranked: Sequence[RankedCell], target: Target | None, driver: Version | None, resolution: Resolution, matrix: Matrix
) -> Iterable[str]:
    if target:
        yield from _notes_of_card(target, driver, resolution, matrix)
    refused = _refused(target, driver, matrix) if target and driver else None
    if driver and ranked and not refused and all(candidate.runs == "no" for candidate in ranked):
        least = min((one.driver for one in ranked if one.driver), key=Version, default=None)
        yield f"driver {driver} runs none of them; the oldest that runs one is {least}"


def _notes_of_card(target: Target, driver: Version | None, resolution: Resolution, matrix: Matrix) -> Iterable[str]:
    row = matrix.archs[target.arch] if target.arch else None
    if target.gpu and target.gpu.note:
        yield target.gpu.note
    if not target.gpu and row:
        yield f"{target.name} is no card of the catalogue: memory and platform of the machine are not known"
    if row and row.note:
        yield row.note
    if refused := _refused(target, driver, matrix) if driver else None:
        yield refused
    elif early := driver_support.before_card(driver, card_drivers(target, matrix), target.name) if driver else None:
        yield early
    elif driver is None:
        yield from _known_to(target, matrix)
    if row and row.first_kernel:
        yield f"kernel: Linux {row.first_kernel} or later; its own driver faults before"
    yield from arch_support.unserved(target, resolution, matrix)


def _known_to(target: Target, matrix: Matrix) -> Iterable[str]:
    """The card's own drivers, where they say more than the toolkits' floors."""
    if target.accelerators[0] is not AcceleratorName.CUDA:
        return
    drivers = card_drivers(target, matrix)
    least = min((_floor(row) for row in matrix.toolkits.values() if row.driver_floor), default=None)
    first = drivers.listed or drivers.first
    late = first and (least is None or Version(first) > least)
    if late or drivers.last:
        yield f"driver of the card: {drivers if late else replace(drivers, first=None, listed=None)}"


def _refused(target: Target, driver: Version, matrix: Matrix) -> str | None:
    if AcceleratorName.CUDA not in target.accelerators:
        return None
    return driver_support.against_card(driver, card_drivers(target, matrix), target.name)
