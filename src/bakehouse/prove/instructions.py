"""Whether the product runs on every CPU that it claims to run on."""

from __future__ import annotations

import fnmatch
import re

from bakehouse.model.report import Check
from bakehouse.prove import product
from bakehouse.prove.disassembly import Uses, sweep, walk
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge, skip
from bakehouse.prove.image import libraries
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.elf import Elf
from bakehouse.prove.instruction_sets import BASELINE, LOWEST, levels

NAME = "instructions"
_NATIVE = re.compile(rb"-m(arch|cpu)=native")

_SWEPT: dict[tuple[str, str], Uses] = {}
"""Layer (by the digest of its content) and path to what was found there: cells share the layers of the host part."""


def check_instructions(image: ImageAtRest, expectation: Expectation) -> Check:
    """No file of the product holds an instruction beyond its level, and none was compiled for the build machine.

    What runs when a plugin is only loaded and asked for its score (its initializers and its score function) must
    keep to the baseline: it runs before anybody knows whether the CPU is good enough. Libraries that were copied
    (cuBLAS, rocBLAS, wheels) are not judged: we did not compile them, and they ask the CPU by themselves.
    """
    vendors = {elf.path for elf in libraries.copied(image, expectation)}
    vendors |= {elf.path for elf in product.elves(image, expectation) if expectation.is_foreign(elf.path)}
    elves = [elf for elf in product.elves(image, expectation) if elf.path not in vendors]
    problems = [f"{elf.path} was compiled for the build machine: {text}" for elf in elves if (text := _native(elf))]
    readable = [elf for elf in elves if elf.machine == "EM_X86_64"]
    if not readable and not problems:
        return skip(NAME, f"only x86-64 code is read, and this product for {image.platform} has none")
    known = levels(expectation.plugin_kind)
    notes = [f"{path}: not judged, it was copied as it is" for path in sorted(vendors)]
    for elf in readable:
        level = level_of(elf, expectation)
        uses = _swept(image, elf)
        guarded = _guarded(elf, uses, expectation)
        problems += [f"{elf.path} {line}" for line in _beyond(uses, known[level] | guarded.keys(), level=level)]
        notes.append(f"{elf.path}: {level}, uses {', '.join(sorted(uses.keys() - BASELINE)) or 'the baseline only'}")
        notes += [f"{elf.path}: {feature} is allowed: {reason}" for feature, reason in guarded.items()]
        if level != LOWEST:
            early = [*elf.initializers, *_scores(elf, expectation)]
            problems += [
                f"{elf.path} when it is loaded and scored, on any CPU, {line}"
                for line in _beyond(walk(elf.code, early), BASELINE, level=LOWEST)
            ]
    return judge(
        NAME,
        problems,
        passed=f"{len(readable)} ELF files keep to their CPU levels; plugins are scored with baseline code",
        notes=notes,
    )


def level_of(elf: Elf, expectation: Expectation) -> str:
    """What a file may use: a key of `levels`. A variant that we do not know gets the baseline, and will say so."""
    name = elf.path.rpartition("/")[2]
    for pattern, level in expectation.instruction_levels.items():
        if fnmatch.fnmatchcase(name, pattern):
            return level
    kind = expectation.plugin_kind
    variant = kind.variant_of(name) if kind else None
    return variant if kind and variant and variant in kind.levels else LOWEST


def _scores(elf: Elf, expectation: Expectation) -> list[int]:
    """Where the function begins that says how well the processor suits a plugin."""
    kind = expectation.plugin_kind
    return [elf.defined[kind.score_symbol]] if kind and kind.score_symbol in elf.defined else []


def _swept(image: ImageAtRest, elf: Elf) -> Uses:
    entry = image.tree.follow(elf.path)
    assert entry is not None
    key = (image.layers[entry.layer].diff_id, elf.path)
    if key not in _SWEPT:
        _SWEPT[key] = sweep(elf.code)
    return _SWEPT[key]


def _guarded(elf: Elf, uses: Uses, expectation: Expectation) -> dict[str, str]:
    """Features that the file uses only where CPUID said so. A file that never asks has no such excuse."""
    name = elf.path.rpartition("/")[2]
    guarded = expectation.plugin_kind.guarded if expectation.plugin_kind else {}
    excused = (reasons for pattern, reasons in guarded.items() if fnmatch.fnmatchcase(name, pattern))
    return {f: reason for reasons in excused for f, reason in reasons.items() if f in uses and "CPUID" in uses}


def _beyond(uses: Uses, allowed: frozenset[str], *, level: str) -> list[str]:
    return [f"uses {feature}, beyond {level}: {where}" for feature, where in uses.items() if feature not in allowed]


def _native(elf: Elf) -> str:
    found = _NATIVE.search(elf.notes)
    return found[0].decode() if found else ""
