"""`update`: move what the matrix pins to what is newest, and say what that changes."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bakehouse.commands import lint, lint_project
from bakehouse.commands.lint_text import show
from bakehouse.commands.lock import lock, lock_requirements
from bakehouse.config.load import Project
from bakehouse.errors import BakehouseError, ExitCode, InfrastructureError
from bakehouse.lint.finding import Severity
from bakehouse.lint.options_change import OptionsChange, changes
from bakehouse.model.cell import Cell
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.edits import Edits, edits, moved, write
from bakehouse.pipeline.newest_bases import newest_bases
from bakehouse.pipeline.project import open_project
from bakehouse.registry.opening import Registries
from bakehouse.supply.newest.move import News
from bakehouse.supply.newest.rows import newest_rows

SHOWN = 40
"""Options of one kind; `git diff options/` has all."""


def update(context: Context, *, check: bool, engine: bool, install: bool, out: Console) -> ExitCode:
    """Returns 1 where `check` finds something newer, or the lint finds errors; 4 where a place could not be asked or
    the lock could not be written.
    """
    project, resolution = open_project(context.root)
    news = _news(context, project, resolution.cells)
    found = edits(project, news)
    _show(news, found, out)
    silent = any(one.silent for one in news)
    if check or not found.texts:
        newer = bool(found.texts or found.elsewhere)
        return ExitCode.INFRASTRUCTURE if silent else ExitCode.CELL_FAILED if newer and check else ExitCode.OK
    try:
        project = write(project, found)
    finally:
        _say_files(context, found)
    errors = _hold_against_options(context, project, out)
    locked = _lock(context, engine=engine, install=install)
    if errors:
        return ExitCode.CELL_FAILED
    return ExitCode.OK if locked and not silent else ExitCode.INFRASTRUCTURE


def _news(context: Context, project: Project, cells: tuple[Cell, ...]) -> tuple[News, ...]:
    with contextlib.closing(Registries(context.environ)) as registries:
        bases = tuple(newest_bases(project.world, cells, environ=context.environ, registries=registries))
    return (*newest_rows(project.world, cells, lint.supply_context(context)), *bases)


def _hold_against_options(context: Context, project: Project, out: Console) -> bool:
    """Read the options of the new revisions, say what came and went, and whether the lint has errors now."""
    before = lint_project.kept_options(project)
    try:
        lint.update(context, project)
    except BakehouseError as error:
        context.say(f"the options that the lint knows stay what they were: {error.message}")
        return False
    after = lint_project.kept_options(project)
    for name, old in before.items():
        new = after.get(name)
        for change in changes(old, new) if old and new else ():
            _show_change(name, change, out)
    findings = [one for one in lint_project.findings_of(project) if one.severity is not Severity.NOTE]
    show(findings, out)
    return any(one.severity is Severity.ERROR for one in findings)


def _lock(context: Context, *, engine: bool, install: bool) -> bool:
    try:
        if engine:
            lock(context, install=install)
        else:
            lock_requirements(context)
    except InfrastructureError as error:
        context.say(f"bakehouse.lock stays what it was: {error.message}; `bakehouse lock` goes on there")
        return False
    return True


def _say_files(context: Context, found: Edits) -> None:
    for path in found.texts:
        context.say(f"wrote {path.relative_to(context.root)}")


# ---------------------------------------------------------------------------------------------- for people


def _show(news: Sequence[News], found: Edits, out: Console) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("", "key", "is", "becomes"):
        table.add_column(heading, overflow="fold")
    for one in moved(news, found):
        for move in one.moves:
            key = ".".join(str(part) for part in move.path[2:])
            table.add_row(
                Text(one.title, style="bold"), key, Text(move.old, style="dim"), Text(move.new, style="green")
            )
    if table.row_count:
        out.print(table)
    for one in news:
        for words in one.silent:
            out.print(Text(f"{one.title}: {words}; nothing of it is changed", style="yellow"), soft_wrap=True)
        for words in one.notes:
            out.print(Text(f"{one.title}: {words}", style="dim"), soft_wrap=True)
    for words in found.elsewhere:
        out.print(Text(f"{words}: a newer bakehouse moves it, or a row of your own", style="yellow"), soft_wrap=True)


def _show_change(source: str, change: OptionsChange, out: Console) -> None:
    for words, names in (("new", change.came), ("gone", change.went), ("other defaults", change.other_default)):
        if names:
            more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            text = f"{source}: {words} among its {change.kind}: {', '.join(names[:SHOWN])}{more}"
            out.print(Text(text), soft_wrap=True)
