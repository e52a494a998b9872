"""A cell for a card and a driver: what runs of it, what it asks for, and which of several is best. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import Version

from bakehouse.model.cell import Cell
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Matrix, Toolkit
from bakehouse.planning import driver_support
from bakehouse.planning.driver_support import CardDrivers
from bakehouse.planning.gpus import FITS, Fit, Target, code_for, fit_of
from bakehouse.planning.run_command import run_command


@dataclass(frozen=True, kw_only=True, slots=True)
class RankedCell:
    """A cell, and what becomes of it on the card and the driver that were asked about."""

    cell: Cell
    fit: Fit | None
    """None: no card was named."""
    code: str | None
    """What of the image runs on the card: `sm_120a`, `PTX of sm_90`, `SPIR-V`."""
    runs: driver_support.Runs | None
    """None: no driver was named, or the cell does not depend on one."""
    why: str
    driver: str | None
    """The oldest that runs it; None: any that knows the card."""
    driver_full: str | None
    """The oldest with all features."""
    needs_newer: bool = False
    """Whether a newer driver would run it, where this one does not."""
    run_with: str
    """The start of the command that gives a container what it needs of the machine."""


def candidate_of(cell: Cell, matrix: Matrix, target: Target | None, driver: Version | None) -> RankedCell:
    how = fit_of(cell, target, matrix) if target else None
    code = _code(cell, how, target, matrix) if how and target else None
    full = cell.toolkit.driver_floor if cell.toolkit else None
    least = full if how is Fit.PTX else ((cell.toolkit.driver_floor_minor if cell.toolkit else None) or full)
    card = _nvidia_drivers(cell, target, matrix)
    refused = driver_support.against_card(driver, card, target.name) if driver and card and target else None
    known = (card.first if driver else card.listed or card.first) if card else None
    reasons = [_in_words(how, code, target)] if how and code and target else []
    if refused:
        reasons.append(refused)
    elif driver and cell.toolkit and full:
        reasons.append(driver_support.why(driver, cell.toolkit))
    return RankedCell(
        cell=cell,
        fit=how,
        code=code,
        runs="no" if refused else _runs(cell.toolkit, how, driver),
        why="; ".join(reasons),
        needs_newer=bool(driver and least and driver < Version(_newest(least, card.first if card else None) or least)),
        driver=_newest(least, known),
        driver_full=_newest(full, known if full else None),
        run_with=run_command(cell, target),
    )


def _nvidia_drivers(cell: Cell, target: Target | None, matrix: Matrix) -> CardDrivers | None:
    """Of an NVIDIA card, on whose driver CUDA and Vulkan cells depend."""
    if target is None or AcceleratorName.CUDA not in target.accelerators or cell.at.accelerator is AcceleratorName.CPU:
        return None
    return card_drivers(target, matrix)


def card_drivers(target: Target, matrix: Matrix) -> CardDrivers:
    return driver_support.drivers_of(target.gpu, matrix.archs.get(target.arch or ""))


def _newest(*drivers: str | None) -> str | None:
    return max((one for one in drivers if one), key=Version, default=None)


def _runs(toolkit: Toolkit | None, how: Fit | None, driver: Version | None) -> driver_support.Runs | None:
    if driver is None or toolkit is None or toolkit.driver_floor is None:
        return None
    runs = driver_support.runs(driver, toolkit)
    return "no" if runs == "native-only" and how is Fit.PTX else runs


def _code(cell: Cell, how: Fit, target: Target, matrix: Matrix) -> str:
    """What in the image the target runs."""
    arch = code_for(target, cell.archs, matrix)
    if arch:
        return dict(zip(cell.archs, cell.codes, strict=True))[arch]
    if how is Fit.PTX:
        return f"PTX of {cell.ptx}"
    return "native" if how is Fit.NATIVE else "SPIR-V"


def _in_words(how: Fit, code: str, target: Target) -> str:
    match how:
        case Fit.NATIVE:
            return f"native code for {target.arch or 'the processor'}"
        case Fit.FAMILY:
            return f"code for a family that {target.arch} belongs to ({code})"
        case Fit.COMPATIBLE:
            return f"code for {code}, which {target.arch} runs"
        case Fit.PORTABLE:
            return "SPIR-V, which the card's driver compiles"
        case Fit.PTX:
            return f"only {code}: the driver compiles it at the first start, which takes minutes"


def rank(candidate: RankedCell, target: Target | None, matrix: Matrix) -> tuple[object, ...]:
    """What the driver runs (or else what asks for the least new one), recipes that need not be asked for, the card's
    best accelerator, its own code, the best toolkit, the plainest build.
    """
    cell, at = candidate.cell, candidate.cell.at
    return (
        candidate.runs == "no",
        Version(candidate.driver) if candidate.runs == "no" and candidate.driver else Version("0"),
        not cell.recipe.by_default,
        target.accelerators.index(at.accelerator) if target else list(AcceleratorName).index(at.accelerator),
        FITS.index(candidate.fit) if candidate.fit else 0,
        _rank_of_toolkit(candidate, matrix),
        at.flag_set != "default",
        len(cell.archs),
        cell.name,
    )


def _rank_of_toolkit(candidate: RankedCell, matrix: Matrix) -> tuple[object, ...]:
    """The newest major version; of its toolkits first those of which the driver runs everything, the newest of them
    first, then those that ask for the least new driver.

    Without a driver, the usual one stands for it.
    """
    toolkit = candidate.cell.toolkit
    if toolkit is None:
        return ()
    version = Version(toolkit.version)
    newest_first = [-part for part in version.release]
    runs = candidate.runs
    if runs is None and matrix.usual_driver:
        runs = driver_support.runs(Version(matrix.usual_driver), toolkit)
    if runs in (None, "full") or toolkit.driver_floor is None:
        return (-version.major, False, newest_first)
    return (-version.major, True, Version(toolkit.driver_floor))
