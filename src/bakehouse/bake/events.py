"""BuildKit's progress events (`--progress rawjson`) to the state of a build.

The stream on stderr is a sequence of JSON objects, pretty-printed over many lines, each with some of the keys
`vertexes`, `statuses`, `logs` and `warnings`; what is not JSON is a message for people (`ERROR: ...`). A vertex that
several targets share is announced once for each of them, with the same digest and the target in its name:
`[TARGET STAGE 1/2] RUN ...`. With a single target the name is left out. Source: moby/buildkit client.SolveStatus,
docker/buildx util/progress.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bakehouse.bake.failures import CANCELLED

_NAME = re.compile(r"^\[(?P<words>[^\]]+)\]\s?(?P<rest>.*)$", re.DOTALL)
_COUNTER = re.compile(rb"^\[(\d+)/(\d+)\] ")
"""Ninja's progress: `[12/197] Building CXX object ...`."""

TAIL_LINES = 60


@dataclass(kw_only=True, slots=True)
class Vertex:
    """One step of the build graph."""

    digest: str
    names: dict[str, str] = field(default_factory=dict)
    """Target to the step's name without the target."""
    started: datetime | None = None
    completed: datetime | None = None
    cached: bool = False
    error: str = ""
    tail: list[str] = field(default_factory=list)
    """Last lines it printed."""
    counter: tuple[int, int] | None = None
    """Steps done and to do inside it, where it compiles."""
    partial: bytes = b""

    @property
    def name(self) -> str:
        return next(iter(self.names.values()), self.digest)

    @property
    def running(self) -> bool:
        return self.started is not None and self.completed is None

    @property
    def seconds(self) -> float:
        return (self.completed - self.started).total_seconds() if self.started and self.completed else 0.0

    @property
    def internal(self) -> bool:
        """Whether it is BuildKit's own bookkeeping, which is not shown."""
        return self.name.startswith(("[internal]", "[auth]", "[context")) or "load build" in self.name

    @property
    def stage(self) -> str:
        """`host` of `[host 1/1] RUN ...`; empty where there is none."""
        found = _NAME.match(self.name)
        return found["words"].rpartition(" ")[0] if found and "/" in found["words"] else ""

    @property
    def place(self) -> str:
        """`host 1/1` of `[host 1/1] RUN ...`; empty where there is none."""
        return self.name.split("]")[0].removeprefix("[") if self.stage else ""

    @property
    def failure(self) -> str:
        """Its error; empty where BuildKit only stopped it because another step had failed."""
        return "" if CANCELLED.search(self.error) else self.error


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line that a step printed."""

    vertex: Vertex
    text: str


class Reader:
    """Takes the stream apart, chunk by chunk."""

    def __init__(self) -> None:
        self._decoder = json.JSONDecoder()
        self._text = ""
        self.messages: list[str] = []
        """Lines that were not JSON."""

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """Yield each event that is whole. Safe for any split, also inside a UTF-8 character (events are ASCII)."""
        self._text += chunk.decode("utf-8", errors="replace")
        while self._text:
            text = self._text.lstrip()
            if not text.startswith("{"):
                line, newline, rest = text.partition("\n")
                if not newline:
                    self._text = text
                    return
                self.messages.append(line)
                self._text = rest
                continue
            # A pretty-printed object ends with a brace at the start of a line: without one it cannot be whole.
            if "\n}" not in text:
                self._text = text
                return
            try:
                event, end = self._decoder.raw_decode(text)
            except json.JSONDecodeError:
                self._text = text
                return
            self._text = text[end:]
            yield event

    def finish(self) -> None:
        """What is left when the stream has ended is a message, even without a newline."""
        if rest := self._text.strip():
            self.messages += rest.splitlines()
        self._text = ""

    def error(self) -> str:
        """What the program says went wrong: its `ERROR:` line with what follows, or its last message."""
        for index, line in enumerate(self.messages):
            if line.startswith("ERROR"):
                return "\n".join(self.messages[index:]).removeprefix("ERROR:").strip()
        return self.messages[-1] if self.messages else ""


class BuildState:
    """All steps of one `bake` call, by digest, in the order in which they were announced."""

    def __init__(self, targets: tuple[str, ...]) -> None:
        self._targets = frozenset(targets)
        self._only = targets[0] if len(targets) == 1 else ""
        self.vertices: dict[str, Vertex] = {}

    def apply(self, event: dict[str, Any]) -> tuple[list[Vertex], list[Line]]:
        """Take in an event. Returns the vertices that changed and the lines that were printed."""
        changed = [self._vertex(raw) for raw in event.get("vertexes") or []]
        lines = [line for raw in event.get("logs") or [] for line in self._log(raw)]
        return changed, lines

    def of(self, target: str) -> list[Vertex]:
        """The steps that a target needs, its own and shared ones.

        Two targets can announce one step under two digests, because their contexts have different names; BuildKit
        sees that the content is the same and runs only one of them. The other stays silent: its twin stands for it.
        """
        ran = {vertex.name: vertex for vertex in self.vertices.values() if vertex.started}
        needed = [vertex for vertex in self.vertices.values() if target in vertex.names]
        shown = [vertex if vertex.started else ran.get(vertex.name, vertex) for vertex in needed]
        return list({vertex.digest: vertex for vertex in shown}.values())

    def _vertex(self, raw: dict[str, Any]) -> Vertex:
        vertex = self.vertices.setdefault(raw["digest"], Vertex(digest=raw["digest"]))
        target, name = self._split(raw.get("name", ""))
        vertex.names[target] = name
        if started := raw.get("started"):
            vertex.started = min(filter(None, (vertex.started, timestamp(started))))
        if completed := raw.get("completed"):
            vertex.completed = timestamp(completed)
        elif raw.get("started"):
            vertex.completed = None
        vertex.cached = vertex.cached or bool(raw.get("cached"))
        vertex.error = vertex.error or raw.get("error", "")
        return vertex

    def _split(self, name: str) -> tuple[str, str]:
        """`[cell host 1/1] RUN x` to `("cell", "[host 1/1] RUN x")`."""
        found = _NAME.match(name)
        if found:
            first, _, others = found["words"].partition(" ")
            if first in self._targets:
                return first, f"[{others}] {found['rest']}" if others else found["rest"]
        return self._only, name

    def _log(self, raw: dict[str, Any]) -> Iterator[Line]:
        vertex = self.vertices.setdefault(raw["vertex"], Vertex(digest=raw["vertex"]))
        try:
            data = base64.b64decode(raw.get("data", ""))
        except (ValueError, binascii.Error):
            return
        *whole, vertex.partial = (vertex.partial + data).split(b"\n")
        for line in whole:
            if count := _COUNTER.match(line):
                vertex.counter = int(count[1]), int(count[2])
            text = line.rsplit(b"\r", 1)[-1].decode("utf-8", errors="replace")
            vertex.tail = [*vertex.tail[-TAIL_LINES + 1 :], text]
            yield Line(vertex=vertex, text=text)


def timestamp(text: str) -> datetime:
    """RFC 3339 with up to nine digits of a second; Python keeps six."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
