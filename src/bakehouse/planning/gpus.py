"""Which card is meant, and how the code of a cell comes to run on it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bakehouse.errors import InputError
from bakehouse.formatting import size_in_bytes
from bakehouse.model.cell import Cell
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.machine import Card, Machine
from bakehouse.model.matrix import Gpu, Matrix
from bakehouse.planning import driver_support
from bakehouse.planning.card_names import archs_for, find_rows, near_names, plain, rows_named

CPU = "cpu"
"""As the name of a card: the machine's own processor."""


class Fit(StrEnum):
    """How a cell's code comes to run on a card, best first."""

    NATIVE = "native"
    """Compiled for this very arch."""
    FAMILY = "family"
    """Compiled for the arch's family: `sm_120f` code on sm_121."""
    COMPATIBLE = "compatible"
    """Compiled for another arch whose code the card runs: `sm_86` code on sm_89."""
    PORTABLE = "portable"
    """Intermediate code by design, compiled by the card's driver: SPIR-V."""
    PTX = "ptx"
    """No code for the card, but PTX, which the driver compiles at the first start: slow then, and it needs the driver
    of the whole toolkit."""


FITS = tuple(Fit)
_SEVERAL = re.compile(r"[,;|&]\s*\S|\s(?:and|or|\+)\s", re.IGNORECASE)
"""Between names: the last one alone would be found, and the others passed over without a word."""
FEW_CARDS = 20
"""As many are listed where a name is unknown and none is near."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What images are to run on: a card of the catalogue, any card of an arch, or the processor."""

    name: str
    accelerators: tuple[AcceleratorName, ...]
    """What runs on it, best first."""
    arch: str | None = None
    """None: nothing to compile for, or unknown."""
    platforms: tuple[str, ...] = ()
    """Of the machines with such a card; without any, all."""
    gpu: Gpu | None = None
    """The catalogue's row, where there is one."""

    def __str__(self) -> str:
        parts = [self.accelerators[0].value, self.arch, self.gpu.memory if self.gpu else None]
        facts = ", ".join(part for part in parts if part and part != self.name)
        return f"{self.name} ({facts})" if facts else self.name


def find_target(word: str, matrix: Matrix, machine: Machine) -> Target:
    """What `--gpu WORD` means: a card, one of its aliases, an arch, a compute capability, or `cpu`.

    Raises InputError with suggestions.
    """
    if _SEVERAL.search(word):
        raise InputError(f"{word!r} names several cards", hint="Give each its own: --gpu rtx5090 --gpu rtx4090.")
    if word.lower() == CPU:
        return Target(name=CPU, accelerators=(AcceleratorName.CPU,), platforms=(machine.platform,))
    if found := _find_row(word, matrix):
        return _of_row(*found)
    arch = arch_named(word, matrix)
    if arch is not None:
        row = matrix.archs[arch]
        return Target(name=arch, accelerators=_with_vulkan(row.accelerator), arch=arch, platforms=row.platforms)
    raise _unknown(word, matrix)


def arch_named(word: str, matrix: Matrix) -> str | None:
    """The matrix's arch for `sm_89`, `sm89`, `8.9`, `compute_89` or `sm_120a`."""
    text = re.sub(r"^(\d+)\.(\d)$", r"sm_\1\2", word.lower())
    text = re.sub(r"^compute_?(?=\d)", "sm_", text)
    known = {plain(arch): arch for arch in matrix.archs}
    radv = re.search(r"\(radv (gfx[0-9a-f]+)\)", text)  # AMD Radeon Graphics (RADV GFX1151)
    return (
        known.get(plain(text))
        or known.get(plain(re.sub(r"^(sm_?\d+)[af]$", r"\1", text)))
        or known.get(radv[1] if radv else "")
    )


def fit(target: Target, *, accelerator: AcceleratorName, platform: str, archs: Sequence[str], matrix: Matrix,
        ptx: str | None = None) -> Fit | None:  # fmt: skip
    """How code for `archs` runs on the target, at its best; None: not at all."""
    if accelerator not in target.accelerators or (target.platforms and platform not in target.platforms):
        return None
    if accelerator is AcceleratorName.CPU:
        return Fit.NATIVE
    if not archs:
        return Fit.PORTABLE
    if target.arch is None:
        return None
    fits = [one for arch in archs if (one := _arch_fit(arch, target.arch, matrix))]
    if ptx and _compiles_ptx(ptx, target.arch, matrix):
        fits.append(Fit.PTX)
    return min(fits, key=FITS.index, default=None)


def fit_of(cell: Cell, target: Target, matrix: Matrix) -> Fit | None:
    """How a cell's image runs on the target."""
    at = cell.at
    return fit(target, accelerator=at.accelerator, platform=at.platform, archs=cell.archs, ptx=cell.ptx, matrix=matrix)


def code_for(target: Target, archs: Sequence[str], matrix: Matrix) -> str | None:
    """Which of the archs is the one whose native code the target runs."""
    if target.arch is None:
        return None
    fits = [(FITS.index(one), arch) for arch in archs if (one := _arch_fit(arch, target.arch, matrix))]
    return min(fits)[1] if fits else None


def _arch_fit(arch: str, wanted: str, matrix: Matrix) -> Fit | None:
    if arch == wanted:
        return Fit.NATIVE
    row = matrix.archs[arch]
    if wanted not in row.runs:
        return None
    return Fit.FAMILY if (row.code or arch).endswith("f") else Fit.COMPATIBLE


def _compiles_ptx(ptx: str, wanted: str, matrix: Matrix) -> bool:
    """PTX serves later archs; that of an `a` arch only itself, and builds make every 12X one (`code` in archs.yaml)."""
    code = re.fullmatch(r"sm_(\d+)", matrix.archs[ptx].code or ptx)
    later = re.fullmatch(r"sm_(\d+)[af]?", wanted)
    return bool(code and later and int(code[1]) <= int(later[1]))


# ---------------------------------------------------------------------------------------------- this machine's cards


def recognise(card: Card, matrix: Matrix) -> tuple[str, Gpu] | None:
    """The catalogue's row of a card that was found: by its PCI id, and where sister cards share one, by the driver's
    name for it and by its memory; without an id that is known, by the name alone.
    """
    rows = {name: gpu for name, gpu in matrix.gpus.items() if gpu.accelerator is card.accelerator}
    by_pci = [name for name, gpu in rows.items() if card.pci in gpu.pci]
    by_name = rows_named(card.name, rows)
    names = ([name for name in by_pci if name in by_name] or by_pci) if by_pci else by_name
    if not names:
        return None
    best = min(names, key=lambda name: _memory_apart(card, rows[name]))
    return best, rows[best]


def _memory_apart(card: Card, gpu: Gpu) -> float:
    """How much the card's memory differs from the row's, in bytes; 0 where either is unknown."""
    return abs(card.memory - size_in_bytes(gpu.memory)) if card.memory and gpu.memory else 0.0


def target_of(card: Card, matrix: Matrix, machine: Machine) -> Target:
    """A card of this machine as something that images run on, in the catalogue or not."""
    here = (machine.platform,)
    if found := recognise(card, matrix):
        name, gpu = found
        return Target(name=name, accelerators=_runs(gpu), arch=gpu.arch or card.arch, platforms=here, gpu=gpu)
    arch = arch_named(card.arch, matrix) if card.arch else None
    return Target(name=card.name, accelerators=_with_vulkan(card.accelerator), arch=arch, platforms=here)


def targets_of(machine: Machine, matrix: Matrix) -> tuple[Target, ...]:
    """Everything of this machine that images can run on, its processor first."""
    return (find_target(CPU, matrix, machine), *(target_of(card, matrix, machine) for card in machine.usable))


def runs_on(cell: Cell, machine: Machine, matrix: Matrix) -> bool:
    """Whether this machine runs the image as it is: it holds code for a card, or the processor, and the card's driver
    is new enough.
    """
    if fit_of(cell, find_target(CPU, matrix, machine), matrix):
        return True
    return any(_card_runs(cell, card, machine, matrix) for card in machine.usable)


def _card_runs(cell: Cell, card: Card, machine: Machine, matrix: Matrix) -> bool:
    if fit_of(cell, target_of(card, matrix, machine), matrix) in (None, Fit.PTX):
        return False
    if card.driver is None or cell.toolkit is None or cell.at.accelerator is not card.accelerator:
        return True
    try:
        return driver_support.runs(driver_support.parse(card.driver), cell.toolkit) != "no"
    except InputError:
        return True


def without_row(machine: Machine, matrix: Matrix) -> list[str]:
    """For each card of this machine that the catalogue lacks: how it is treated, and what to write."""
    notes = []
    for card in machine.cards:
        if recognise(card, matrix) is None:
            target = target_of(card, matrix, machine)
            if target.arch:
                how = f"its cells are chosen by what it runs, {target.arch}"
            elif card.arch:
                how = f"it runs {card.arch}, which is not among the matrix's archs either"
            else:
                how = "nothing tells what it runs: only cells without code for an arch are chosen for it"
            notes.append(
                f"{card.name} is not in the catalogue; {how}. Its row for `gpus` in matrix.yaml:\n  {_row(card)}"
            )
    return notes


def _row(card: Card) -> str:
    """The catalogue's row for a card, as far as the machine tells."""
    words = re.findall(r"[a-z0-9]+", card.name.lower())
    alias = "-".join(word for word in words if word not in ("nvidia", "amd", "intel", "pci"))
    facts = [f"accelerator: {card.accelerator}"]
    facts += [f"arch: {card.arch}"] if card.arch else []
    facts += [f"memory: {round(card.memory / 2**30)} GiB"] if card.memory else []
    facts += [f'pci: ["{card.pci}"]'] if card.pci else []
    return f"{alias}: {{{', '.join(facts)}}}"


def has_card(machine: Machine, name: str, matrix: Matrix) -> bool:
    """Whether this machine has the card, or one of the arch, that `--gpu NAME` means."""
    target = find_target(name, matrix, machine)
    if target.name == CPU:
        return True
    here = [target_of(card, matrix, machine) for card in machine.cards]
    return any(one.name == target.name if target.gpu else one.arch == target.arch for one in here)


def require_card(machine: Machine, name: str, matrix: Matrix, *, cells: Sequence[Cell]) -> None:
    """Raises InputError when a measurement on `name` was asked for and this machine does not have it."""
    if has_card(machine, name, matrix):
        return
    target = find_target(name, matrix, machine)
    hints = [
        f"Run the same command on a machine that has it: ssh HOST 'cd bakehouse && nox -s bench -- --gpu {target.name}'"
    ]
    if any(fit_of(cell, target, matrix) for cell in cells):
        hints.append(
            f"To build its images here without running them: nox -s build-matrix -- --gpu {target.name} --no-tests"
        )
    hints.append(f"To measure on this machine's processor: nox -s bench -- --gpu {CPU}")
    raise InputError(f"this machine has no {target}; it has: {machine.describe()}", hint="\n  ".join(hints))


# ---------------------------------------------------------------------------------------------- the catalogue


def _find_row(word: str, matrix: Matrix) -> tuple[str, Gpu] | None:
    """Raises InputError for a PCI id that sister cards share."""
    names = find_rows(word, matrix)
    if len(names) > 1 and ":" in word:
        raise InputError(f"{word} is the id of {len(names)} cards", hint=f"Name one: {', '.join(names)}.")
    return (names[0], matrix.gpus[names[0]]) if names else None


def _of_row(name: str, gpu: Gpu) -> Target:
    return Target(name=name, accelerators=_runs(gpu), arch=gpu.arch, platforms=(gpu.platform,), gpu=gpu)


def _runs(gpu: Gpu) -> tuple[AcceleratorName, ...]:
    return tuple(dict.fromkeys((gpu.accelerator, *gpu.also)))


def _with_vulkan(accelerator: AcceleratorName) -> tuple[AcceleratorName, ...]:
    return tuple(dict.fromkeys((accelerator, AcceleratorName.VULKAN)))


def _unknown(word: str, matrix: Matrix) -> InputError:
    """The nearest names with what they run; a card that the catalogue lacks can be named by what it runs."""
    near = [f"{name!r}{_what_runs(matrix.gpus[name])}" for name in near_names(word, matrix.gpus)]
    hints = [f"Perhaps you meant {' or '.join(near)}."] if near else []
    if not near and len(matrix.gpus) <= FEW_CARDS:
        hints.append(f"There is: {', '.join((*sorted(matrix.gpus), CPU))}.")
    if archs := archs_for(word, matrix):
        more = f" (or {', '.join(archs[1:])})" if archs[1:] else ""
        hints.append(f"A card without a row can be named by what it runs: --gpu {archs[0]}{more}.")
        hints.append("Or give it a row under `gpus` in matrix.yaml: docs/matrix.md#gpus.")
    return InputError(f"there is no GPU {word!r} in the catalogue", hint="\n  ".join(hints) or None)


def _what_runs(gpu: Gpu) -> str:
    return f" ({gpu.arch})" if gpu.arch else ""
