"""Which cells a command is about. One selection language for plan, build-matrix and bench. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bakehouse.errors import InputError, Where
from bakehouse.machine import Machine
from bakehouse.mistakes import suggest
from bakehouse.model.cell import Cell, Coordinates, Resolution
from bakehouse.model.matrix import Gpu, Matrix
from bakehouse.model.words import AcceleratorName

CPU = "cpu"
"""As the name of a card: the machine's own processor."""


AXES = ("recipe", "accelerator", "toolkit", "arch")
"""Those that have an option of their own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What a person asked for. Options of different kinds narrow each other; values of one kind add up."""

    everything: bool = False
    gpu: str | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    recipe: tuple[str, ...] = ()
    accelerator: tuple[str, ...] = ()
    toolkit: tuple[str, ...] = ()
    arch: tuple[str, ...] = ()

    def words(self) -> tuple[str, ...]:
        """The options as they would be typed."""
        words = ["--all"] if self.everything else []
        words += [f"--gpu {self.gpu}"] if self.gpu else []
        for option in ("only", "skip", *AXES):
            words += [f"--{option} {value}" for value in getattr(self, option)]
        return tuple(words)

    @property
    def names_nothing(self) -> bool:
        """Whether the machine decides."""
        return self == Selection(skip=self.skip)


def select(resolution: Resolution, selection: Selection, *, matrix: Matrix, machine: Machine) -> tuple[Cell, ...]:
    """The chosen cells, sorted by name. Raises InputError when there is none, and says why."""
    tests = _tests(selection, matrix, machine)
    chosen = tuple(cell for cell in resolution.cells if all(test(cell.at) for test in tests))
    if not chosen:
        raise _nothing(resolution, selection, tests, machine)
    return chosen


def find_gpu(name: str, matrix: Matrix) -> tuple[str, Gpu]:
    """The catalogue's name and row for a card or one of its aliases. Raises InputError with a suggestion."""
    known = {word: card for card, gpu in matrix.gpus.items() for word in (card, *gpu.aliases)}
    if name.lower() not in known:
        hint = suggest(name.lower(), [*known, CPU])
        raise InputError(
            f"there is no GPU {name!r} in the catalogue", hint=hint, where=Where(file="matrix.yaml", path=("gpus",))
        )
    card = known[name.lower()]
    return card, matrix.gpus[card]


def has_card(machine: Machine, name: str, matrix: Matrix) -> bool:
    """Whether this machine has the card: the driver's name for it ends with the catalogue's name or an alias.

    Ends: `NVIDIA GeForce RTX 5090 Laptop GPU` is another card than `NVIDIA GeForce RTX 5090`.
    """
    if name == CPU:
        return True
    card, gpu = find_gpu(name, matrix)
    names = tuple(_plain(word) for word in (card, *gpu.aliases))
    return any(found.accelerator is gpu.accelerator and _plain(found.name).endswith(names) for found in machine.cards)


def require_card(machine: Machine, name: str, matrix: Matrix, *, cells: Sequence[Cell]) -> None:
    """Raises InputError when a measurement on `name` was asked for and this machine does not have it."""
    if has_card(machine, name, matrix):
        return
    card, gpu = find_gpu(name, matrix)
    what = f"{card} ({', '.join(str(part) for part in (gpu.accelerator, gpu.arch, gpu.memory) if part)})"
    hints = [f"Run the same command on a machine that has it: ssh HOST 'cd bakehouse && nox -s bench -- --gpu {card}'"]
    test = _gpu_test(name, matrix, machine)
    if any(test(cell.at) for cell in cells):
        hints.append(f"To build its images here without running them: nox -s build-matrix -- --gpu {card} --no-tests")
    hints.append(f"To measure on this machine's processor: nox -s bench -- --gpu {CPU}")
    hint = "\n  ".join(hints)
    raise InputError(f"this machine has no {what}; it has: {machine.describe()}", hint=hint)


# ---------------------------------------------------------------------------------------------- tests of a point

Test = Callable[[Coordinates], bool]


def _tests(selection: Selection, matrix: Matrix, machine: Machine) -> list[Test]:
    tests: list[Test] = []
    if selection.names_nothing:
        tests.append(lambda at: runs_on(at, machine))
    if selection.gpu:
        tests.append(_gpu_test(selection.gpu, matrix, machine))
    if selection.only:
        tests.append(lambda at: _matches_any(at.name, selection.only))
    tests.append(lambda at: not _matches_any(at.name, selection.skip))
    return [*tests, *(_axis_test(axis, getattr(selection, axis)) for axis in AXES if getattr(selection, axis))]


def runs_on(at: Coordinates, machine: Machine) -> bool:
    """Whether this machine can run the image: its platform, and a card of its accelerator."""
    present = {AcceleratorName.CPU, *(card.accelerator for card in machine.cards)}
    return at.platform == machine.platform and at.accelerator in present


def _gpu_test(name: str, matrix: Matrix, machine: Machine) -> Test:
    if name == CPU:
        return lambda at: at.accelerator is AcceleratorName.CPU and at.platform == machine.platform
    _, gpu = find_gpu(name, matrix)
    return lambda at: (
        at.accelerator is gpu.accelerator
        and at.platform == gpu.platform
        and (gpu.arch is None or at.arch in (None, gpu.arch))
    )


def _axis_test(axis: str, wanted: Sequence[str]) -> Test:
    return lambda at: _fits(getattr(at, axis), wanted)


def _matches_any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _fits(value: str | None, wanted: Sequence[str]) -> bool:
    """`--toolkit 12.9` fits `12.9` and `12.9.1`; a pattern fits what it matches."""
    return value is not None and any(
        value == word or value.startswith(f"{word}.") or value.endswith(f"-{word}") or fnmatchcase(value, word)
        for word in wanted
    )


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _nothing(resolution: Resolution, selection: Selection, tests: list[Test], machine: Machine) -> InputError:
    """The error for an empty selection: the reason of an excluded match, or the nearest names."""
    words = " ".join(selection.words())
    message = f"no cell matches {words}" if words else f"this machine ({machine.describe()}) can run no cell"
    for out in resolution.excluded:
        if all(test(out.at) for test in tests):
            link = f" ({out.link})" if out.link else ""
            return InputError(message, hint=f"{out.name} is excluded: {out.reason}{link}.")
    names = [cell.name for cell in resolution.cells]
    if not names:
        return InputError(
            "the matrix has no cell: every combination is excluded", hint="bakehouse plan lists the reasons."
        )
    if len(selection.only) == 1 and not any(sign in selection.only[0] for sign in "*?["):
        return InputError(message, hint=suggest(selection.only[0], names))
    return InputError(message, hint=f"There is: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}.")  # noqa: PLR2004
