"""Combinations that are not built, and cells that are not for a card, by their reasons. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bakehouse.model.cell import Cell, Coordinates, Excluded, Resolution
from bakehouse.model.matrix import Matrix
from bakehouse.planning.gpus import CPU, Fit, Target, fit, fit_of
from bakehouse.planning.rules import archs_of
from bakehouse.planning.select import OBVIOUS

OTHER_CODE = "code"
"""As a rule's name: the cells hold no code that the card runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruled:
    """Combinations that one reason rules out."""

    reason: str
    rule: str
    link: str | None
    names: tuple[str, ...]
    nearest: str | None
    """The cell that is nearest to most of them."""


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


def ruled_out(resolution: Resolution, matrix: Matrix, target: Target | None) -> tuple[Ruled, ...]:
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
