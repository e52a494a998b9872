"""Which stages each cell's build runs, and which of them are the same work for several cells. Pure.

Two stages are the same work when they render the same text on the same inputs: BuildKit then runs one of them. So a
stage's identity is a hash over its text and the identities of everything that it stands on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bakehouse.model.cell import Cell
from bakehouse.model.plan import Plan

COMPILING = "cmake --build"
"""What a RUN that compiles says."""
LAST = "image"
"""The stage that a cell's bake target names."""
_FROM = re.compile(r"^FROM[ \t]+(?:--\S+[ \t]+)*(?P<base>\S+)(?:[ \t]+AS[ \t]+(?P<name>\S+))?[ \t]*$", re.MULTILINE)
_USED = re.compile(r"(?:--from=|[=,]from=)(?P<name>[^\s,]+)")
_COMMENT = re.compile(r"^[ \t]*#.*\n?", re.MULTILINE)
_RUNS = re.compile(r"^RUN\b", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage that a cell's build runs."""

    name: str
    identity: str
    """sha256: the same for every cell whose build runs the same stage on the same inputs."""
    runs: int
    """RUN instructions."""
    compiles: int
    """How many times over it compiles the backend: archs in its options; 1 where it compiles, 0 where it does not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CellWork:
    """What building one cell takes."""

    cell: Cell
    stages: tuple[Stage, ...]
    """In the order of its Dockerfile; only those that its image needs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Section:
    base: str
    text: str


def works_of(plan: Plan) -> tuple[CellWork, ...]:
    """The work of each cell of a plan, in the plan's order."""
    targets: Mapping[str, Any] = plan.bake["target"]
    return tuple(
        CellWork(cell=cell, stages=_stages(cell, plan.dockerfiles[target["dockerfile"]], target))
        for cell, target in ((cell, targets[cell.target]) for cell in plan.cells)
    )


def _stages(cell: Cell, text: str, target: Mapping[str, Any]) -> tuple[Stage, ...]:
    sections = _sections(text)
    found: dict[str, str] = {}
    _identify(LAST if LAST in sections else next(reversed(sections)), sections, target, found)
    option = cell.backend.archs_option if cell.backend else None
    return tuple(
        Stage(
            name=name,
            identity=found[name],
            runs=len(_RUNS.findall(section.text)),
            compiles=_compiles(section.text, option, len(cell.codes)),
        )
        for name, section in sections.items()
        if name in found
    )


def _compiles(text: str, archs_option: str | None, archs: int) -> int:
    if COMPILING not in text:
        return 0
    return max(1, archs) if archs_option and f"-D{archs_option}=" in text else 1


def _sections(text: str) -> dict[str, _Section]:
    """A Dockerfile's stages by name; one without a name by its number, as Docker counts."""
    plain = _COMMENT.sub("", text)
    starts: Sequence[re.Match[str]] = list(_FROM.finditer(plain))
    ends = [*(match.start() for match in starts[1:]), len(plain)]
    return {
        (match["name"] or str(number)).lower(): _Section(base=match["base"], text=plain[match.end() : end].strip())
        for number, (match, end) in enumerate(zip(starts, ends, strict=True))
    }


def _identify(name: str, sections: Mapping[str, _Section], target: Mapping[str, Any], found: dict[str, str]) -> str:
    """The identity of a stage or of a context, and in `found` those of all stages that it needs."""
    contexts = target.get("contexts", {})
    key = name.lower()
    if key not in sections or name in contexts:
        return f"{name} {contexts.get(name, '')}"
    if key not in found:
        section = sections[key]
        below = [_identify(one, sections, target, found) for one in _used(section)]
        arguments = [f"{arg}={value}" for arg, value in target.get("args", {}).items() if f"ARG {arg}" in section.text]
        content = "\n".join((section.text, *below, *arguments))
        found[key] = hashlib.sha256(content.encode()).hexdigest()
    return found[key]


def _used(section: _Section) -> Iterator[str]:
    yield section.base
    yield from dict.fromkeys(match["name"] for match in _USED.finditer(section.text))
