"""Which cells a command is about. One selection language for plan, build-matrix and bench. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import combinations

from bakehouse.config.suggest import suggest
from bakehouse.errors import InputError
from bakehouse.model.cell import Cell, Coordinates, Excluded, Resolution
from bakehouse.model.machine import Machine
from bakehouse.model.matrix import Matrix
from bakehouse.planning import fleet
from bakehouse.planning.gpus import Fit, Target, arch_named, find_target, fit, runs_on, targets_of
from bakehouse.planning.rules import archs_of

AXES = ("recipe", "accelerator", "toolkit", "arch", "flag_set", "platform")
"""Those that have an option of their own."""

OBVIOUS = ("recipe-accelerator", "flag-set-accelerator")
"""Rules that say what a thing is not for: they are no surprise, and come last."""

SHOWN_REASONS = 4
SHOWN_NAMES = 12


class NothingChosenError(InputError):
    """No cell is what was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What a person asked for. Options of different kinds narrow each other; values of one kind add up."""

    everything: bool = False
    gpu: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    recipe: tuple[str, ...] = ()
    accelerator: tuple[str, ...] = ()
    toolkit: tuple[str, ...] = ()
    arch: tuple[str, ...] = ()
    flag_set: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    affected_since: str | None = None
    """A git revision. What it affects is found by `bakehouse.pipeline.changed_since`; `select` leaves it alone."""

    def words(self) -> tuple[str, ...]:
        """The options as they would be typed."""
        words = ["--all"] if self.everything else []
        for option in ("gpu", "only", "skip", *AXES):
            words += [f"--{option.replace('_', '-')} {value}" for value in getattr(self, option)]
        words += [f"--affected-since {self.affected_since}"] if self.affected_since else []
        return tuple(words)

    @property
    def names_nothing(self) -> bool:
        """Whether the machine decides."""
        return self == Selection(skip=self.skip, affected_since=self.affected_since)


def select(resolution: Resolution, selection: Selection, *, matrix: Matrix, machine: Machine) -> tuple[Cell, ...]:
    """The chosen cells, sorted by name.

    Raises InputError for a value that no axis knows and for options that contradict each other, NothingChosenError
    with the reasons when no cell is chosen.
    """
    wishes = tuple(_wishes(selection, resolution, matrix, machine))
    others = fleet.elsewhere(matrix, platform=machine.platform)
    _refuse_contradictions(wishes, resolution, matrix)
    chosen = tuple(
        cell
        for cell in resolution.cells
        if all(wish.test(cell.at, cell.archs) for wish in wishes)
        and (not selection.names_nothing or (cell.recipe.by_default and _is_run(cell, machine, others, matrix)))
    )
    if not chosen:
        raise _nothing(resolution, selection, wishes, matrix, machine)
    return chosen


def _is_run(cell: Cell, machine: Machine, others: fleet.Targets, matrix: Matrix) -> bool:
    return runs_on(cell, machine, matrix) or fleet.runs_there(cell, others, matrix)


# ---------------------------------------------------------------------------------------------- one option

Test = Callable[[Coordinates, Sequence[str]], bool]
"""Of a point of the matrix and the archs that it holds or was meant to hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wish:
    """One option with all its values."""

    option: str
    values: tuple[str, ...]
    test: Test
    facts: tuple[str, ...] = ()
    """What a person must know of the values to see why they don't go together with others."""

    def __str__(self) -> str:
        return " ".join(f"--{self.option.replace('_', '-')} {value}" for value in self.values)


def _wishes(selection: Selection, resolution: Resolution, matrix: Matrix, machine: Machine) -> Iterator[_Wish]:
    """Raises InputError for a value that is on no axis."""
    if selection.gpu:
        yield _gpu_wish(selection.gpu, matrix, machine)
    for axis in AXES:
        if values := getattr(selection, axis):
            yield _axis_wish(axis, values, resolution, matrix)
    if selection.only:
        yield _Wish(option="only", values=selection.only, test=lambda at, _: _matches_any(at.name, selection.only))
    if selection.skip:
        yield _Wish(option="skip", values=selection.skip, test=lambda at, _: not _matches_any(at.name, selection.skip))


def _gpu_wish(words: tuple[str, ...], matrix: Matrix, machine: Machine) -> _Wish:
    targets = [find_target(word, matrix, machine) for word in words]

    def test(at: Coordinates, archs: Sequence[str]) -> bool:
        found = [
            fit(target, accelerator=at.accelerator, platform=at.platform, archs=archs, matrix=matrix)
            for target in targets
        ]
        # A point without the archs that its accelerator needs is excluded; its reason concerns every card.
        return any(one is not None and one is not Fit.PTX for one in found)

    return _Wish(option="gpu", values=words, test=test, facts=tuple(map(_card_fact, targets)))


def _axis_wish(axis: str, values: tuple[str, ...], resolution: Resolution, matrix: Matrix) -> _Wish:
    known = _known(axis, resolution, matrix)
    fits = {value: [word for word in known if _fits(axis, word, value, matrix)] for value in values}
    for value, words in fits.items():
        if not words:
            raise _not_on_axis(axis, value, known, matrix)
    wanted = {word for words in fits.values() for word in words}
    facts = tuple(_fact(axis, word, matrix) for word in sorted(wanted))

    def test(at: Coordinates, archs: Sequence[str]) -> bool:
        return getattr(at, axis) in wanted or (axis == "arch" and not wanted.isdisjoint(archs))

    return _Wish(option=axis, values=values, test=test, facts=tuple(fact for fact in facts if fact))


def _points(resolution: Resolution) -> list[Coordinates]:
    return [*(cell.at for cell in resolution.cells), *(out.at for out in (*resolution.excluded, *resolution.never))]


def _known(axis: str, resolution: Resolution, matrix: Matrix) -> list[str]:
    """Every value that some point has; of archs also those in groups."""
    values = {value for at in _points(resolution) if (value := getattr(at, axis)) is not None}
    if axis == "arch":
        values |= {arch for value in values for arch in archs_of(value, matrix)}
    return sorted(map(str, values))


def _fits(axis: str, value: str, word: str, matrix: Matrix) -> bool:
    """Whether a value of an axis is what a person may mean by the word."""
    if value == word or fnmatchcase(value, word):
        return True
    match axis:
        case "toolkit":
            row = matrix.toolkits[value]
            version = re.sub(rf"^{row.accelerator}-?", "", word)
            return f"{row.version}.".startswith(f"{version}.") or f"{row.accelerator}{version}" == value
        case "arch":
            return arch_named(word, matrix) == value
        case "platform":
            return value.removeprefix("linux/") == word
        case _:
            return False


def _not_on_axis(axis: str, value: str, known: Sequence[str], matrix: Matrix) -> InputError:
    option, noun = axis.replace("_", "-"), axis.replace("_", " ")
    described = {
        "toolkit": {*matrix.toolkits},
        "arch": {*matrix.archs, *matrix.arch_groups},
        "flag_set": {*matrix.flag_sets},
    }
    name = arch_named(value, matrix) if axis == "arch" else value
    if (name or value) in described.get(axis, ()):
        return InputError(
            f"--{option} {value}: the matrix describes it, but builds nothing with it",
            hint=f"Add it to axes.{axis} in matrix.yaml. On that axis there is: {', '.join(known) or 'nothing'}.",
        )
    words = [*known, *(matrix.toolkits[name].version for name in known)] if axis == "toolkit" else known
    hint = suggest(value, words) if words else f"The axis axes.{axis} in matrix.yaml is empty."
    return InputError(f"--{option} {value}: the matrix has no such {noun}", hint=hint)


def _matches_any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


# ---------------------------------------------------------------------------------------------- contradictions


def _refuse_contradictions(wishes: Sequence[_Wish], resolution: Resolution, matrix: Matrix) -> None:
    """Raise InputError for two options that no point of the matrix can satisfy together, whatever the rules say."""
    asked = [(at, archs_of(at.arch, matrix) if at.arch else ()) for at in _points(resolution)]
    about = [wish for wish in wishes if wish.option not in ("only", "skip")]
    for wish in about:
        if not any(wish.test(*point) for point in asked):
            facts = f"{'; '.join(wish.facts)}." if wish.facts else None
            raise InputError(f"{wish}: the matrix's axes combine nothing that fits it", hint=facts)
    for left, right in combinations(about, 2):
        if not any(left.test(*point) and right.test(*point) for point in asked):
            facts = "; ".join(dict.fromkeys((*left.facts, *right.facts)))
            raise InputError(f"{left} and {right} contradict each other", hint=f"{facts}." if facts else None)


def _card_fact(target: Target) -> str:
    runs = " and ".join(target.accelerators)
    code = f", code for {target.arch}" if target.arch else ""
    machines = f", in machines with {' or '.join(target.platforms)}" if target.platforms else ""
    return f"{target.name} runs {runs}{code}{machines}"


def _fact(axis: str, value: str, matrix: Matrix) -> str:
    match axis:
        case "toolkit":
            return f"{value} is a toolkit of {matrix.toolkits[value].accelerator}"
        case "arch":
            archs = archs_of(value, matrix)
            row = matrix.archs[archs[0]]
            also = f", which {', '.join(row.runs)} runs too" if row.runs and archs == (value,) else ""
            return f"{value} is code for {row.accelerator}{also}"
        case _:
            return ""


# ---------------------------------------------------------------------------------------------- nothing was chosen


def _nothing(
    resolution: Resolution, selection: Selection, wishes: Sequence[_Wish], matrix: Matrix, machine: Machine
) -> NothingChosenError:
    """The error for an empty selection: why what was asked for cannot be, and what is nearest to it."""
    words = " ".join(replace(selection, affected_since=None).words())
    message = f"no cell matches {words}" if words else f"this machine ({machine.describe()}) can run no cell"
    if not resolution.cells:
        message = "the matrix has no cell: every combination is excluded"
    elif selection.names_nothing:
        here = ", ".join(str(target) for target in targets_of(machine, matrix))
        return NothingChosenError(
            message, hint=f"It can run: {here}. bakehouse plan lists all cells; --all chooses them."
        )
    if reasons := _reasons(resolution, wishes, matrix):
        more = [f"and {len(reasons) - SHOWN_REASONS} more reasons: bakehouse plan --excluded"]
        return NothingChosenError(
            message, hint="\n  ".join(reasons[:SHOWN_REASONS] + more * (len(reasons) > SHOWN_REASONS))
        )
    names = [cell.name for cell in resolution.cells]
    if len(selection.only) == 1 and not any(sign in selection.only[0] for sign in "*?["):
        return NothingChosenError(message, hint=suggest(selection.only[0], names))
    shown = f"{', '.join(names[:SHOWN_NAMES])}{', ...' if len(names) > SHOWN_NAMES else ''}"
    return NothingChosenError(message, hint=f"There is: {shown}.")


def _reasons(resolution: Resolution, wishes: Sequence[_Wish], matrix: Matrix) -> list[str]:
    """Each reason once, with the combinations that it leaves out: what surprises first, then by number."""
    found: dict[str, list[Excluded | Cell]] = {}
    for out in (*resolution.excluded, *resolution.never):
        if all(wish.test(out.at, archs_of(out.at.arch, matrix) if out.at.arch else ()) for wish in wishes):
            link = f" ({out.link})" if out.link else ""
            found.setdefault(f"{out.reason}{link}", []).append(out)
    told = set(found)
    for cell in resolution.cells:
        for left in cell.left_out:
            if left.reason not in told and all(wish.test(cell.at, (*cell.archs, left.arch)) for wish in wishes):
                found.setdefault(left.reason, []).append(cell)
    ordered = sorted(found.items(), key=lambda pair: (_is_obvious(pair[1][0]), -len(pair[1])))
    card = [wish.test for wish in wishes if wish.option == "gpu"]
    offered = {cell.name for cell in resolution.cells if all(test(cell.at, cell.archs) for test in card)}
    return [f"{_who(items)}: {reason}.{_nearest(items, offered)}" for reason, items in ordered]


def _is_obvious(item: Excluded | Cell) -> bool:
    return isinstance(item, Excluded) and item.rule in OBVIOUS


def _who(items: Sequence[Excluded | Cell]) -> str:
    first = items[0]
    verb = "is excluded" if isinstance(first, Excluded) else "leaves it out"
    if len(items) == 1:
        return f"{first.name} {verb}"
    return f"{first.name} and {len(items) - 1} more {'are excluded' if isinstance(first, Excluded) else 'leave it out'}"


def _nearest(items: Sequence[Excluded | Cell], offered: Collection[str]) -> str:
    """A neighbour that the card runs, where one was named."""
    near = next((item.nearest for item in items if isinstance(item, Excluded) and item.nearest in offered), None)
    return f" Nearest: {near}." if near else ""
