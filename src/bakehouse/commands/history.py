"""`history`: choose which measurements count (accept, pin, unpin), and import results of other programs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bakehouse.config.suggest import perhaps
from bakehouse.errors import ExitCode, InputError
from bakehouse.history.baseline import DECISIONS, compare
from bakehouse.history.collect import Collected, collect, files, keep_new
from bakehouse.history.imports import read
from bakehouse.history.imports.document import Origin
from bakehouse.history.journal import append
from bakehouse.model.history import HISTORY_SCHEMA, Decision, Hardware, Row
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.history_writer import BASELINES, HISTORY, compare_with_history, read_history
from bakehouse.pipeline.project import open_project

_NEWEST = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """A file of another program, and what it does not say."""

    path: Path
    cell: str
    host: str
    device: str = ""
    image: str = ""
    format: str | None = None
    """None: its content says whose it is."""


def decide(context: Context, kind: Literal["accept", "pin", "unpin"], *, cell: str, run: str, reason: str) -> ExitCode:
    """Add a decision. InputError where the history knows no such cell or run: a typing error would never be found."""
    known = _runs(context.reports / HISTORY, cell)
    if kind != "unpin" and run not in known:
        newest = f"the newest are {', '.join(known[-_NEWEST:])}"
        raise InputError(f"the history has no run {run} of {cell}", hint=newest)
    decision = Decision(
        schema_version=HISTORY_SCHEMA, kind=kind, cell=cell, run=run, reason=reason, time=datetime.now(UTC)
    )
    append(context.reports / BASELINES / DECISIONS, [decision])
    context.say(f"{cell}: {_WORDS[kind].format(run=run)}")
    return ExitCode.OK


_WORDS = {
    "accept": "the level that holds run {run} is accepted",
    "pin": "runs are compared with {run} only",
    "unpin": "runs are compared with the history",
}


def import_file(context: Context, asked: Import) -> ExitCode:
    """Add a file's results, and say how they are beside earlier ones. InputError: nothing was added.

    Its run is named after its content, so that a file that comes twice counts once.
    """
    _require_cell(context, asked.cell)
    rows = _read(asked)
    name = rows[0].run
    if name in _names(collect(context.reports / HISTORY, cells={asked.cell})):
        raise InputError(f"{asked.path} is in the history already, as run {name}", hint="nothing was imported")
    keep_new(context.reports / HISTORY, rows)
    context.say(f"{asked.cell}: {len(rows)} repetitions were added as run {name}")
    _say_comparison(context, rows)
    return ExitCode.OK


def _require_cell(context: Context, cell: str) -> None:
    """The matrix may have lost a cell that the history knows."""
    folder = context.reports / HISTORY
    if not files(folder, cells={cell}):
        names = [one.name for one in open_project(context.root)[1].cells]
        if cell not in names:
            raise _unknown(cell, names, "neither the matrix nor the history has a cell", "see `bakehouse plan`")


def _read(asked: Import) -> list[Row]:
    """The time of a file that does not say its own is that of its last change."""
    try:
        content, changed = asked.path.read_bytes(), asked.path.stat().st_mtime
    except OSError as error:
        raise InputError(f"{asked.path} cannot be read: {error.strerror}", hint="check the path") from None
    hardware = Hardware(host=asked.host, platform="", cpu="", cores=0, memory_bytes=0, device=asked.device)
    origin = Origin(
        cell=asked.cell,
        run=f"import-{hashlib.sha256(content).hexdigest()[:12]}",
        time=datetime.fromtimestamp(changed, UTC),
        hardware=hardware,
        image=asked.image,
    )
    rows = read(asked.path, origin, format_=asked.format)
    if not rows:
        raise InputError(f"{asked.path} holds no result that can be imported", hint="nothing was imported")
    return rows


def _say_comparison(context: Context, rows: Sequence[Row]) -> None:
    candidate = Collected()
    for row in rows:
        candidate.add(row.model_dump(mode="json"))
    history, decisions = read_history(context.reports, {rows[0].cell}, say=context.say)
    versus = compare_with_history(compare(candidate, history, run=rows[0].run, decisions=decisions))
    for one in versus.in_order:
        judged = one.judged
        context.say(f"{judged.verdict}: {judged.workload} {judged.metric}: {judged.reason}")
    if not versus.compared:
        context.say(f"beside {versus.baseline}: nothing to compare")


def _runs(folder: Path, cell: str) -> list[str]:
    """Oldest first. InputError where there are none."""
    known = sorted(path.name for path in folder.glob("*") if path.is_dir())
    if cell not in known or not files(folder, cells={cell}):
        there = f"it has {', '.join(known)}" if known else "run `bakehouse bench` first"
        raise _unknown(cell, known, "the history has no cell", there)
    return _names(collect(folder, cells={cell}))


def _unknown(word: str, known: Sequence[str], message: str, otherwise: str) -> InputError:
    return InputError(f"{message} {word}", hint=perhaps(word, known) or otherwise)


def _names(found: Collected) -> list[str]:
    return [run.name for run in sorted(found.runs, key=lambda run: (run.time, run.name))]
