"""Dockerfiles: text to stages and instructions, each character with the line it stands on.

dockerfile-parse on PyPI (last released in 2023) gives an instruction's first and last line only, and knows no here
documents; a finding about one of twenty flags needs the flag's own line.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass

_ESCAPE = re.compile(r"^#\s*escape\s*=\s*(?P<sign>\\|`)\s*$", re.IGNORECASE)
_DIRECTIVE = re.compile(r"^#\s*[a-z]+\s*=", re.IGNORECASE)
_INSTRUCTION = re.compile(r"^\s*(?P<name>[A-Za-z]+)(?:\s+|$)")
_HEREDOC = re.compile(
    r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|(?<!\S)\d*<<-?(?P<quote>["']?)(?P<mark>[A-Za-z_][A-Za-z0-9_]*)(?P=quote)(?!\S)"""
)
"""As BuildKit finds them: words of their own, outside quotes. What is quoted is passed over."""
_TAKE_HEREDOCS = frozenset({"RUN", "COPY", "ADD", "ONBUILD"})
_FROM = re.compile(r"^(?:--platform=(?P<platform>\S+)\s+)?(?P<image>\S+)(?:\s+[Aa][Ss]\s+(?P<alias>\S+))?\s*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """Joined lines."""

    text: str
    starts: tuple[tuple[int, int], ...]
    """(offset, line): from this offset on, characters stand on this line of the file."""

    def line(self, offset: int) -> int:
        at = bisect.bisect_right(self.starts, offset, key=lambda one: one[0])
        return self.starts[max(at - 1, 0)][1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    name: str
    """In upper case."""
    body: Text

    @property
    def line(self) -> int:
        return self.body.starts[0][1]


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerfileStage:
    image: str
    """As written: a reference, the name of another stage, perhaps with variables in it."""
    name: str | None
    line: int
    instructions: tuple[Instruction, ...]
    platform: str | None = None
    """As written: `$BUILDPLATFORM`, `linux/arm64`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dockerfile:
    file: str
    arguments: tuple[Instruction, ...]
    """ARG before the first FROM."""
    stages: tuple[DockerfileStage, ...]

    def ancestry(self, stage: DockerfileStage) -> tuple[DockerfileStage, ...]:
        """The stage and those of this file that it stands on, the lowest first."""
        chain = [stage]
        before = self.stages[: self.stages.index(stage)]
        while below := next(
            (one for one in reversed(before) if one.name and one.name == chain[-1].image.lower()), None
        ):
            chain.append(below)
            before = before[: before.index(below)]
        return tuple(reversed(chain))

    @property
    def image(self) -> tuple[DockerfileStage, ...]:
        """The stages whose content the image has."""
        return self.ancestry(self.stages[-1]) if self.stages else ()


def read_dockerfile(text: str, *, file: str) -> Dockerfile:
    """Never fails: what is no instruction is passed over, Docker itself will say so."""
    arguments: list[Instruction] = []
    stages: list[tuple[str, str | None, int, list[Instruction], str | None]] = []
    for instruction in _instructions(text):
        if instruction.name == "FROM":
            found = _FROM.match(instruction.body.text.strip())
            image, alias = (found["image"], found["alias"]) if found else (instruction.body.text.strip(), None)
            platform = found["platform"] if found else None
            stages.append((image, alias.lower() if alias else None, instruction.line, [], platform))
        elif stages:
            stages[-1][3].append(instruction)
        elif instruction.name == "ARG":
            arguments.append(instruction)
    return Dockerfile(
        file=file,
        arguments=tuple(arguments),
        stages=tuple(
            DockerfileStage(image=image, name=name, line=line, instructions=tuple(instructions), platform=platform)
            for image, name, line, instructions, platform in stages
        ),
    )


def _instructions(text: str) -> list[Instruction]:
    lines, escape, index = text.splitlines(), "\\", 0
    while index < len(lines) and _DIRECTIVE.match(lines[index]):
        if found := _ESCAPE.match(lines[index]):
            escape = found["sign"]
        index += 1
    found_all: list[Instruction] = []
    while index < len(lines):
        line = lines[index]
        head = _INSTRUCTION.match(line)
        if head is None or line.lstrip().startswith("#"):
            index += 1
            continue
        body, index = _joined(lines, index, len(head[0]), escape)
        name = head["name"].upper()
        if name in _TAKE_HEREDOCS:
            body, index = _with_heredocs(lines, index, body)
        found_all.append(Instruction(name=name, body=body))
    return found_all


def _joined(lines: list[str], index: int, skip: int, escape: str) -> tuple[Text, int]:
    """The instruction that begins on a line, without comments and empty lines, and the index of the line after it."""
    parts: list[str] = []
    starts: list[tuple[int, int]] = []
    length, first = 0, True
    while index < len(lines):
        line = lines[index][skip:] if first else lines[index]
        index += 1
        if not first and (not line.strip() or line.lstrip().startswith("#")):
            continue
        first = False
        more = line.rstrip().endswith(escape)
        part = line.rstrip()[:-1] + " " if more else line
        starts.append((length, index))
        parts.append(part)
        length += len(part)
        if not more:
            break
    return Text(text="".join(parts), starts=tuple(starts)), index


def _with_heredocs(lines: list[str], index: int, body: Text) -> tuple[Text, int]:
    """Here documents appended, each line as a command of its own."""
    text, starts = body.text, list(body.starts)
    for found in _HEREDOC.finditer(body.text):
        if found["mark"] is None:
            continue
        text = text[: found.start()] + " " * len(found[0]) + text[found.end() :]
        while index < len(lines) and lines[index].lstrip("\t") != found["mark"]:
            starts.append((len(text) + 1, index + 1))
            text += "\n" + lines[index]
            index += 1
        index += 1
    return Text(text=text, starts=tuple(starts)), index
