"""What to build for a card, what runs on a driver, and why not the rest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from packaging.version import Version

from bakehouse.model.cell import Cell, Coordinates, Excluded, Resolution
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Matrix, Toolkit
from bakehouse.planning import arch_support, driver_support
from bakehouse.planning.driver_support import CardDrivers
from bakehouse.planning.gpus import CPU, FITS, Fit, Target, code_for, fit, fit_of
from bakehouse.planning.rules import archs_of
from bakehouse.planning.run_command import run_command
from bakehouse.planning.select import OBVIOUS

OTHER_CODE = "code"
"""As a rule's name: the cells hold no code that the card runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruled:
    """Combinations that one reason rules out."""

    reason: str
    rule: str
    link: str | None
    names: tuple[str, ...]
    nearest: str | None
    """The cell that is nearest to most of them."""


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
    ranked: tuple[Candidate, ...]
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
    version = driver_support.parse(driver) if driver is not None else None
    candidates = [_candidate(cell, matrix, target, version) for cell in cells]
    if target is not None:
        candidates = [candidate for candidate in candidates if candidate.fit]
    ranked = tuple(sorted(candidates, key=lambda candidate: _rank(candidate, target, matrix)))
    return Advice(
        target=target,
        driver=driver,
        ranked=ranked,
        ruled_out=_ruled_out(resolution, matrix, target),
        toolkits=_toolkits(ranked, version),
        notes=tuple(_notes(ranked, target, version, resolution, matrix)),
    )


def group(excluded: Iterable[Excluded]) -> tuple[Ruled, ...]:
    """Exclusions by rule and reason, the obvious last."""
    found: dict[tuple[str, str, str | None], list[Excluded]] = {}
    for out in excluded:
        found.setdefault((out.rule.partition("[")[0], out.reason, out.link), []).append(out)
    groups = [
        Ruled(
            reason=reason,
            rule=rule,
            link=link,
            names=tuple(out.name for out in members),
            nearest=_most_frequent([out.nearest for out in members if out.nearest]),
        )
        for (rule, reason, link), members in found.items()
    ]
    return tuple(sorted(groups, key=lambda one: (one.rule in OBVIOUS, one.rule, -len(one.names), one.reason)))


def _most_frequent(names: Sequence[str]) -> str | None:
    return max(sorted(set(names)), key=names.count, default=None)


# ---------------------------------------------------------------------------------------------- one cell


def _candidate(cell: Cell, matrix: Matrix, target: Target | None, driver: Version | None) -> Candidate:
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
    return Candidate(
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
    return _card_drivers(target, matrix)


def _card_drivers(target: Target, matrix: Matrix) -> CardDrivers:
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


def _rank(candidate: Candidate, target: Target | None, matrix: Matrix) -> tuple[object, ...]:
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


def _rank_of_toolkit(candidate: Candidate, matrix: Matrix) -> tuple[object, ...]:
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


# ---------------------------------------------------------------------------------------------- all the others


def _ruled_out(resolution: Resolution, matrix: Matrix, target: Target | None) -> tuple[Ruled, ...]:
    """What might have been for the card."""
    if target is None:
        return group(resolution.excluded)
    serving = {cell.name for cell in resolution.cells if fit_of(cell, target, matrix)}
    meant = [
        out if out.nearest in serving else replace(out, nearest=None)
        for out in resolution.excluded
        if _is_about(out.at, target, matrix)
    ]
    return (
        *group(meant),
        *_other_code(resolution.cells, target, matrix),
        *_elsewhere(resolution.cells, target, matrix),
    )


def _is_about(at: Coordinates, target: Target, matrix: Matrix) -> bool:
    archs = archs_of(at.arch, matrix) if at.arch else ()
    how = fit(target, accelerator=at.accelerator, platform=at.platform, archs=archs, matrix=matrix)
    return how is not None and how is not Fit.PTX


def _other_code(cells: Sequence[Cell], target: Target, matrix: Matrix) -> tuple[Ruled, ...]:
    """Cells of the card's accelerators, for its platform, without code for it."""
    others = [
        cell
        for cell in cells
        if cell.at.accelerator in target.accelerators
        and (not target.platforms or cell.at.platform in target.platforms)
        and fit_of(cell, target, matrix) is None
    ]
    if not others:
        return ()
    held = ", ".join(dict.fromkeys(arch for cell in others for arch in cell.archs))
    reason = f"they hold code for {held}, none of which {target.arch or target.name} runs"
    names = tuple(cell.name for cell in others)
    return (Ruled(reason=reason, rule=OTHER_CODE, link=None, names=names, nearest=None),)


def _elsewhere(cells: Sequence[Cell], target: Target, matrix: Matrix) -> tuple[Ruled, ...]:
    """Cells with code for the card, for machines that it does not come in."""
    anywhere = replace(target, platforms=())
    others = [cell for cell in cells if fit_of(cell, anywhere, matrix) and cell.at.platform not in target.platforms]
    if not target.platforms or not others:
        return ()
    machines = f"{' and '.join(target.platforms)} machines"
    reason = f"this machine is {target.platforms[0]}" if target.name == CPU else f"{target.name} comes in {machines}"
    names = tuple(cell.name for cell in others)
    return (Ruled(reason=reason, rule="platform", link=None, names=names, nearest=None),)


# ---------------------------------------------------------------------------------------------- drivers, notes


def _toolkits(ranked: Sequence[Candidate], driver: Version | None) -> tuple[ToolkitAnswer, ...]:
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
    ranked: Sequence[Candidate], target: Target | None, driver: Version | None, resolution: Resolution, matrix: Matrix
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
    if driver and AcceleratorName.CUDA not in target.accelerators:
        yield f"{target.name} takes none of NVIDIA's drivers: --driver {driver} says nothing about it"
    elif refused := _refused(target, driver, matrix) if driver else None:
        yield refused
    elif early := driver_support.before_card(driver, _card_drivers(target, matrix), target.name) if driver else None:
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
    drivers = _card_drivers(target, matrix)
    least = min((_floor(row) for row in matrix.toolkits.values() if row.driver_floor), default=None)
    first = drivers.listed or drivers.first
    late = first and (least is None or Version(first) > least)
    if late or drivers.last:
        yield f"driver of the card: {drivers if late else replace(drivers, first=None, listed=None)}"


def _refused(target: Target, driver: Version, matrix: Matrix) -> str | None:
    if AcceleratorName.CUDA not in target.accelerators:
        return None
    return driver_support.against_card(driver, _card_drivers(target, matrix), target.name)
