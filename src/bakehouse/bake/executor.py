"""Runs `docker buildx bake` and says for each cell what became of it.

Bake ends at the first failing target and then tells nothing about the others. So all cells go into one call, which is
the cheapest way when nothing fails; after a failure the guilty cells are set aside and the rest is called again, where
everything that had been finished is cached.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from bakehouse.bake.events import BuildState, Line, Reader, Vertex
from bakehouse.bake.failures import in_words, judge
from bakehouse.bake.logs import StepLogs
from bakehouse.engine.connection import Engine
from bakehouse.errors import InfrastructureError, InputError
from bakehouse.model.cell import Cell
from bakehouse.model.enums import Verdict
from bakehouse.model.report import BuildResult, Step
from bakehouse.planning.render.bake_file import dockerfile_name
from bakehouse.system import process

BAKE_FILE = "docker-bake.json"


class Watcher(Protocol):
    """Shows a build while it runs."""

    def update(self, state: BuildState, changed: list[Vertex], lines: list[Line]) -> None: ...

    def settle(self, results: Mapping[str, BuildResult]) -> None:
        """These cells are done, one way or the other; the others go on."""


class ImageBuilder:
    """Builds the targets of one bake file on one engine."""

    def __init__(
        self, *, engine: Engine, builder: str | None = None, root: Path, folder: Path, logs: Path, watcher: Watcher
    ) -> None:
        """`root` is the folder that paths in the bake file are relative to, `folder` holds the bake file.

        `builder` builds in the engine's place, and its images are brought into the engine.
        """
        self._engine = engine
        self._builder = builder
        self._root = root
        self._folder = folder
        self._logs = logs
        self._watcher = watcher
        # What a store calls an image: containerd by its manifest, the classic store by its configuration.
        self._image_key = "containerimage.digest" if engine.containerd_store else "containerimage.config.digest"

    def bake(self, cells: Sequence[Cell]) -> dict[str, BuildResult]:
        """Build the cells; the result has an entry for each. Only Ctrl-C raises."""
        results: dict[str, BuildResult] = {}
        waiting = list(cells)
        while waiting:
            call = self._call(waiting)
            results |= call
            self._watcher.settle(call)
            waiting = [cell for cell in waiting if cell.name not in results]
        return results

    def _call(self, cells: list[Cell]) -> dict[str, BuildResult]:
        """One call. Returns at least one cell: all if it went well, the guilty ones if it did not."""
        state = BuildState(tuple(cell.target for cell in cells))
        reader = Reader()
        metadata = self._folder / "metadata.json"
        metadata.unlink(missing_ok=True)
        with StepLogs({cell.target: self._log(cell) for cell in cells}) as logs:

            def on_stderr(chunk: bytes) -> None:
                for event in reader.feed(chunk):
                    changed, lines = state.apply(event)
                    logs.write(changed, lines)
                    self._watcher.update(state, changed, lines)

            done = process.stream(
                self._command(cells, metadata), env=self._engine.environment(), cwd=self._root, on_stderr=on_stderr
            )
        reader.finish()
        if done.code == 0:
            digests = _read_metadata(metadata)
            return {cell.name: self._finished(cell, state, digests.get(cell.target, {})) for cell in cells}
        return self._guilty(cells, state, reader.error())

    def _command(self, cells: list[Cell], metadata: Path) -> list[str]:
        file = str(self._folder / BAKE_FILE)
        command = [
            "docker",
            "buildx",
            "bake",
            "--file",
            file,
            "--progress",
            "rawjson",
            "--metadata-file",
            str(metadata),
        ]
        return [*command, *self._elsewhere(cells), *(cell.target for cell in cells)]

    def _elsewhere(self, cells: list[Cell]) -> list[str]:
        """Which builder, and that what it built is loaded into the engine. The bases stay with the builder."""
        if self._builder is None:
            return []
        loaded = [word for cell in cells for word in ("--set", f"{cell.target}.output=type=docker")]
        return ["--builder", self._builder, *loaded]

    def _guilty(self, cells: list[Cell], state: BuildState, message: str) -> dict[str, BuildResult]:
        broken = [vertex for vertex in state.vertices.values() if vertex.failure]
        guilty = [cell for cell in cells if any(cell.target in vertex.names for vertex in broken)]
        if not guilty:
            guilty = [cell for cell in cells if f"target {cell.target}:" in message]
        if not guilty:
            # Nobody in particular (the engine died, the bake file is wrong): all, unless single calls could tell.
            guilty = cells if len(cells) == 1 or judge(message, []) is Verdict.ERRORED else cells[:1]
        return {cell.name: self._failed(cell, state, broken, message) for cell in guilty}

    def _finished(self, cell: Cell, state: BuildState, metadata: dict[str, Any]) -> BuildResult:
        steps = state.of(cell.target)
        return BuildResult(
            verdict=Verdict.PASSED,
            seconds=_span(steps),
            steps=[_step(vertex) for vertex in steps],
            log=self._relative(cell),
            image=metadata.get(self._image_key, ""),
        )

    def _failed(self, cell: Cell, state: BuildState, broken: list[Vertex], message: str) -> BuildResult:
        steps = state.of(cell.target)
        own = next((vertex for vertex in broken if cell.target in vertex.names), None)
        tail = own.tail if own else []
        reason = own.error if own else message or "buildx ended without saying why"
        return BuildResult(
            verdict=judge(reason, tail),
            reason=in_words(
                reason,
                dockerfile=f"{self._folder.name}/{dockerfile_name(cell)}",
                step=own.place if own else "",
                tail=tail,
            ),
            seconds=_span(steps),
            steps=[_step(vertex) for vertex in steps],
            log=self._relative(cell),
            tail=tail or reason.splitlines(),
        )

    def _log(self, cell: Cell) -> Path:
        return self._logs / f"{cell.name}.build.log"

    def _relative(self, cell: Cell) -> str:
        return f"{self._logs.name}/{self._log(cell).name}"


def write_bake_files(folder: Path, *, dockerfiles: dict[str, str], bake: dict[str, Any]) -> None:
    """Write what a plan rendered; plain `docker buildx bake --file FOLDER/docker-bake.json` can build it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        hint = "Name a new folder, or one that is there."
        raise InputError(f"{folder} is no folder: {error.strerror}", hint=hint) from None
    except OSError as error:
        raise InfrastructureError(f"cannot make {folder}: {error}") from None
    try:
        for name, text in dockerfiles.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / BAKE_FILE).write_text(json.dumps(bake, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InfrastructureError(
            f"cannot write the rendered files: {error}", hint=f"Is there room in {folder}?"
        ) from None


def _read_metadata(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _step(vertex: Vertex) -> Step:
    return Step(
        name=" ".join(vertex.name.split()),
        started=vertex.started,
        completed=vertex.completed,
        cached=vertex.cached,
        error=vertex.failure,
    )


def _span(steps: list[Vertex]) -> float:
    """Seconds from the first start to the last end."""
    starts = [vertex.started for vertex in steps if vertex.started]
    ends = [vertex.completed for vertex in steps if vertex.completed]
    return max(0.0, (max(ends) - min(starts)).total_seconds()) if starts and ends else 0.0
