"""`check-model` and `preflight`: find out before a server starts what would make it fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from bakehouse.config.load import load_project
from bakehouse.config.suggest import suggest
from bakehouse.errors import ExitCode, InputError
from bakehouse.machine import Card, Machine, detect
from bakehouse.machine.memory import meminfo
from bakehouse.machine.preflight import Demand, Memory, PreflightFacts, look
from bakehouse.model.matrix import Matrix
from bakehouse.model_files.check import check_model
from bakehouse.model_files.finding import CheckedModel, ModelFinding
from bakehouse.pipeline.context import Context
from bakehouse.planning.gpus import recognise

MARKS = {"error": "[red]error[/]", "warning": "[yellow]warning[/]", "ok": "[green]ok[/]"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    model: Path | None
    utilization: float | None
    toolkit: str | None


def check(path: Path, *, out: Console) -> ExitCode:
    """Whether a model's files are whole. Raises InputError for a path where nothing is."""
    return _told(check_model(path).findings, out)


def preflight(context: Context, asked: Options, *, out: Console) -> ExitCode:
    """Whether this machine can hold what a server is about to ask of it."""
    matrix = load_project(context.root).world.matrix
    checked = check_model(asked.model) if asked.model else CheckedModel(findings=())
    demand = Demand(utilization=asked.utilization, weight_bytes=checked.weight_bytes or None)
    return _told((*checked.findings, *look(facts(detect(), matrix, asked.toolkit, _memory()), demand)), out)


def facts(machine: Machine, matrix: Matrix, toolkit: str | None, memory: Memory | None) -> PreflightFacts:
    """Of the first card that can be used, else of the first. Raises InputError for a toolkit that is unknown."""
    card = next(iter(machine.usable or machine.cards), None)
    if toolkit is not None and toolkit not in matrix.toolkits:
        raise InputError(
            f"--toolkit {toolkit}: the matrix has no such toolkit", hint=suggest(toolkit, sorted(matrix.toolkits))
        )
    floors = matrix.toolkits[toolkit] if toolkit else None
    row = recognise(card, matrix) if card else None
    return PreflightFacts(
        platform=machine.platform,
        card=card,
        memory=memory,
        card_platform=row[1].platform if row else None,
        first_driver=_first_driver(card, matrix),
        toolkit_driver=(floors.driver_floor_minor or floors.driver_floor) if floors else None,
    )


def _first_driver(card: Card | None, matrix: Matrix) -> str | None:
    row = recognise(card, matrix) if card else None
    if row and row[1].first_driver:
        return row[1].first_driver
    arch = matrix.archs.get((row[1].arch if row else None) or (card.arch if card else None) or "")
    return arch.first_driver if arch else None


def _memory() -> Memory | None:
    found = meminfo()
    try:
        return Memory(total=found["MemTotal"], free=found["MemFree"], available=found["MemAvailable"])
    except KeyError:
        return None


def _told(findings: Sequence[ModelFinding], out: Console) -> ExitCode:
    for one in findings:
        out.print(f"{MARKS[one.severity]}: {escape(one.what)}", highlight=False)
        if one.advice:
            out.print(f"  {escape(one.advice)}", highlight=False)
    return ExitCode.CELL_FAILED if any(one.severity == "error" for one in findings) else ExitCode.OK
