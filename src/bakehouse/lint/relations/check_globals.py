"""Arguments before the first FROM, which count in FROM lines only until a stage names them again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from bakehouse.errors import Where
from bakehouse.lint.dockerfile import Instruction
from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.settings import Word
from bakehouse.lint.shell import split
from bakehouse.lint.stages.stage import StageModel

_TAKE_VALUES = frozenset({"RUN", "ENV", "COPY", "ADD", "WORKDIR", "LABEL", "EXPOSE", "USER", "VOLUME", "STOPSIGNAL"})
_OF_IMAGES = re.compile(
    r"(?:CUDA|ROCM|PYTHON|GOLANG|NODE|RUST|GCC|LLVM|ONEAPI|NCCL|JAVA|UBUNTU|MUSA|CANN)_?VERSION|NV_\w+|PATH|HOME"
)
"""What images set themselves."""


def check_globals(stages: Sequence[StageModel], names: Collection[str]) -> Iterator[Finding]:
    """`names` are the arguments before the first FROM. Each is reported once in a stage."""
    for stage in stages:
        if stage.base.image is None:
            continue  # it may set any of them
        own = {*stage.environment, *_declared(stage)}
        for name in names:
            if name in own or _OF_IMAGES.fullmatch(name):
                continue
            if word := _used(stage, name):
                yield finding(
                    word,
                    "is empty here",
                    f"ARG {name} stands before the first FROM, and counts in FROM lines only.",
                    f"ARG {name} after FROM, without a value: it then takes the one from above",
                    link="https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact",
                )


def names_of(arguments: Sequence[Instruction]) -> tuple[str, ...]:
    """What ARG lines name."""
    words = (token for one in arguments for command in split(one.body.text, {}) for token in command)
    return tuple(dict.fromkeys(token.text.partition("=")[0] for token in words))


def _declared(stage: StageModel) -> Iterator[str]:
    for one in stage.chain:
        yield from names_of([found for found in one.stage.instructions if found.name == "ARG"])


def _used(stage: StageModel, name: str) -> Word | None:
    use = re.compile(rf"(?<![\\$'])\$(?:{re.escape(name)}\b|\{{{re.escape(name)}\}})")
    sets = re.compile(rf"(?:^|[\s;&(])(?:{re.escape(name)}=|(?:read|for)\s+(?:-r\s+)?{re.escape(name)}\b)")
    for instruction in stage.contents.stage.instructions:
        text = instruction.body.text
        if instruction.name in _TAKE_VALUES and (found := use.search(text)) and not sets.search(text):
            where = Where(file=stage.contents.file, line=instruction.body.line(found.start()))
            return Word(text=found[0], where=where)
    return None
