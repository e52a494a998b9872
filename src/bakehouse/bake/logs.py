"""A log file for each cell of a build. What a shared step prints goes to the log of every cell that needs it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from bakehouse.bake.events import Line, Vertex


class StepLogs:
    """Open while a bake call runs. Appends: a cell that was called twice keeps both."""

    def __init__(self, paths: dict[str, Path]) -> None:
        """`paths` by target."""
        self._stack = ExitStack()
        self._files: dict[str, IO[str]] = {}
        self._paths = paths
        self._ended: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        for target, path in self._paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files[target] = self._stack.enter_context(path.open("a", encoding="utf-8", buffering=1))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def write(self, changed: list[Vertex], lines: list[Line]) -> None:
        for line in lines:
            self._to_all(line.vertex, f"{_label(line.vertex)} | {line.text}")
        for vertex in changed:
            if vertex.completed and not vertex.internal:
                self._end(vertex)

    def _end(self, vertex: Vertex) -> None:
        how = (
            f"failed: {vertex.error}"
            if vertex.error
            else "cached"
            if vertex.cached
            else f"done in {vertex.seconds:.1f} s"
        )
        for target in vertex.names:
            if (target, vertex.digest) not in self._ended:
                self._ended.add((target, vertex.digest))
                if file := self._files.get(target):
                    file.write(f"{_label(vertex)} {how}\n")

    def _to_all(self, vertex: Vertex, text: str) -> None:
        for target in vertex.names:
            if file := self._files.get(target):
                file.write(text + "\n")


def _label(vertex: Vertex) -> str:
    """`[host 1/1]`, or the whole name where there is no stage."""
    return f"[{vertex.place}]" if vertex.stage else " ".join(vertex.name.split())[:80]
