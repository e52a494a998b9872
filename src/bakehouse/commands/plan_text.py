"""A plan for people: the matrix, and what is left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Literal

from packaging.version import Version
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bakehouse.catalogue.accelerators import ACCELERATORS
from bakehouse.formatting import count
from bakehouse.machine import Machine
from bakehouse.model.cell import Cell, Excluded
from bakehouse.model.fleet import HERE
from bakehouse.model.matrix import Matrix, Toolkit
from bakehouse.pipeline.affected import Affected
from bakehouse.planning.driver_support import Runs
from bakehouse.planning.fleet import divide, without_suite
from bakehouse.planning.gpus import runs_on, without_row
from bakehouse.planning.ruled_out import Ruled, group
from bakehouse.planning.select import OBVIOUS

SHOWN_REASONS = 5
"""Of one rule; `--excluded` shows all."""
_STYLES: dict[Runs, str] = {"full": "green", "native-only": "yellow", "no": "red"}
_RUNS: dict[Runs, str] = {"full": "runs", "native-only": "native code only", "no": "does not run"}


def show_matrix(
    cells: Sequence[Cell],
    total: int,
    *,
    matrix: Matrix,
    machine: Machine,
    out: Console,
    affected: Affected | None = None,
    runs: Mapping[str, Runs] | None = None,
) -> None:
    """The cells by accelerator and toolkit, each with the archs it holds code for.

    `runs`: what a driver does with each toolkit, where one was named.
    """
    width = max((len(cell.name) for cell in cells), default=0) + 2
    testers = divide(cells, matrix, platform=machine.platform) if matrix.hosts else {}
    ordered = sorted(cells, key=lambda cell: (_position(cell, matrix), cell.name))
    for (_, accelerator, toolkit), members in groupby(ordered, key=lambda cell: _position(cell, matrix)):
        name = toolkit or accelerator
        several = list(members)
        row = min((cell.toolkit for cell in several if cell.toolkit), key=_native_floor, default=None)
        out.print(_heading(name, row, (runs or {}).get(name)))
        table = _table("left", "left", "left")
        table.columns[0].min_width, table.columns[2].no_wrap = width, True
        for cell in several:
            remark = _remark(cell, machine, matrix, affected, testers.get(cell.name, HERE)) + _own_floor(cell, row)
            table.add_row(Text(f"  {cell.name}"), Text(archs_in_short(cell)), remark)
        out.print(table)
    chosen = count(total, "cell") if len(cells) == total else f"{len(cells)} of {total} cells"
    out.print(Text(f"\n{chosen}; this machine: {machine.describe()}", style="dim"), soft_wrap=True)
    if matrix.hosts:
        out.print(_fleet(testers), soft_wrap=True)
    for note in (*without_suite(cells, matrix, platform=machine.platform), *without_row(machine, matrix)):
        out.print(Text(note, style="yellow"), soft_wrap=True)


def _fleet(testers: Mapping[str, str]) -> Text:
    """`hosts: blue tests 2 cells, green tests 1 cell`"""
    load = Counter(testers.values())
    parts = [f"{name} tests {count(number, 'cell')}" for name, number in sorted(load.items())]
    return Text(f"hosts: {', '.join(parts) or 'none tests anything'}", style="dim")


def _position(cell: Cell, matrix: Matrix) -> tuple[int, str, str]:
    """Accelerators and toolkits in the order of the matrix's axes, then toolkits that only a recipe names."""
    toolkits = list(dict.fromkeys((*matrix.axes.toolkit, *matrix.toolkits)))
    order = list(matrix.axes.accelerator).index(cell.at.accelerator) * len(matrix.toolkits)
    order += toolkits.index(cell.at.toolkit) if cell.at.toolkit else 0
    return order, cell.at.accelerator, cell.at.toolkit or ""


def _heading(name: str, row: Toolkit | None, runs: Runs | None) -> Text:
    text = Text.assemble((name, "bold"), (f"  {_facts(row)}" if row else "", "dim"))
    return text + Text(f"  {_RUNS[runs]}", style=_STYLES[runs]) if runs else text


def _native_floor(row: Toolkit) -> Version:
    return Version(row.driver_floor_minor or row.driver_floor or "0")


def _own_floor(cell: Cell, least: Toolkit | None) -> Text:
    """What the heading does not say: a cell whose cards or options ask for a newer driver than its neighbours'."""
    if cell.toolkit is None or least is None or _native_floor(cell.toolkit) == _native_floor(least):
        return Text()
    return Text(f" driver {cell.toolkit.driver_floor_minor or cell.toolkit.driver_floor}", style="dim")


def _remark(cell: Cell, machine: Machine, matrix: Matrix, affected: Affected | None, tester: str) -> Text:
    if affected:
        why = "" if affected.everything_because else ", ".join(affected.why[cell.name])
        return Text(why, style="dim")
    if tester != HERE:
        return Text(f"tested on {tester}", style="green")
    return Text("runs here", style="green") if runs_on(cell, machine, matrix) else Text()


def archs_in_short(cell: Cell) -> str:
    """`sm_86 89 120 +PTX 90`: what the vendor's archs have in common is printed once."""
    prefix = next((word for word in ("sm_", "gfx") if all(arch.startswith(word) for arch in cell.archs)), "")
    archs = prefix + " ".join(arch.removeprefix(prefix) for arch in cell.archs) if cell.archs else ""
    return f"{archs} +PTX {cell.ptx.removeprefix(prefix)}" if cell.ptx else archs


def show_excluded(excluded: Sequence[Excluded], *, every: bool, out: Console) -> None:
    """Each reason once with how many it leaves out; with `every`, their names too."""
    if not excluded:
        return
    reasons = group(excluded)
    more = "" if every else "; --excluded lists each"
    title = f"\n{_count(len(excluded), 'combination')} excluded for {_count(len(reasons), 'reason')}{more}:"
    out.print(Text(title, style="bold"))
    show_ruled(reasons, every=every, out=out)


def show_ruled(reasons: Iterable[Ruled], *, every: bool, out: Console) -> None:
    """A section for each rule, in which a reason takes a line or two."""
    for rule, members in groupby(reasons, key=lambda one: one.rule):
        several = list(members)
        shown = several if every else several[:SHOWN_REASONS]
        out.print(Text.assemble((f"  {rule}", "bold"), (f"  {sum(len(one.names) for one in several)}", "dim")))
        table = _table("right", "left")
        table.columns[0].min_width = 7
        for one in shown:
            table.add_row(Text(str(len(one.names))), _reason(one, every=every, room=out.width - 9))
        if several[len(shown) :]:
            rest = sum(len(one.names) for one in several[len(shown) :])
            more = f"for {_count(len(several) - len(shown), 'more reason')}"
            table.add_row(Text(str(rest)), Text(more, style="dim"))
        out.print(table)
        for link in dict.fromkeys(one.link for one in shown if one.link):
            out.print(Text(f"         {link}", style="dim"), soft_wrap=True)


def _reason(one: Ruled, *, every: bool, room: int) -> Text:
    """The nearest cell on the same line where there is room."""
    text = Text(one.reason)
    if one.nearest and one.rule not in OBVIOUS:
        near = f"→ {one.nearest}"
        text += Text(f"{'  ' if len(one.reason) + len(near) + 2 <= room else chr(10)}{near}", style="cyan")
    if every:
        text += Text("".join(f"\n{name}" for name in one.names), style="dim")
    return text


def _facts(row: Toolkit) -> str:
    parts = [f"{ACCELERATORS[row.accelerator].toolkit_name} {row.version}"]
    if row.driver_floor_minor:
        parts.append(f"driver {row.driver_floor_minor}, {row.driver_floor} for all features")
    elif row.driver_floor:
        parts.append(f"driver {row.driver_floor}")
    return " · ".join(parts)


def _table(*sides: Literal["left", "right"]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    for side in sides:
        table.add_column(justify=side, overflow="fold")
    return table


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
