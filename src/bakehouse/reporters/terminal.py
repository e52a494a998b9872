"""The tables at the end of a run, and the same text as `summary.txt` for logs that keep no colours."""

from __future__ import annotations

import io
import statistics
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bakehouse.formatting import (
    NOTHING,
    SYMBOLS,
    clock,
    count,
    rate,
    seconds,
    size,
    table_width,
    without_least_needed,
)
from bakehouse.model.enums import Change, Grade, Verdict
from bakehouse.model.report import CellReport, Measurement, RunReport
from bakehouse.reporters import figures, grades, limits, outcomes, work
from bakehouse.reporters.calibration import shortfalls
from bakehouse.reporters.comparison import RunComparison
from bakehouse.reporters.text import one_line, plain

file = "summary.txt"

WIDTH = 80
"""Columns of `summary.txt`."""

_STYLES = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "bold red",
    Verdict.ERRORED: "yellow",
    Verdict.SKIPPED: "dim",
    Verdict.VOID: "magenta",
}
_ASCII = {Verdict.PASSED: "+", Verdict.FAILED: "x", Verdict.ERRORED: "!", Verdict.SKIPPED: "-", Verdict.VOID: "o"}
_CHANGES = {
    Change.REGRESS: "bold red",
    Change.IMPROVE: "green",
    Change.INCONCLUSIVE: "yellow",
    Change.VOID: "magenta",
}
_GRADES = {Grade.EXACT: "", Grade.NOISY: "yellow", Grade.VOID: "magenta"}
_SHOWN_LINES = 5
_SHOWN_RATES = 8
_SHOWN_SKIPS = 4
_LEAST_NEEDED = ("cached", "build", "size", "pp", "tg")
"""Columns that make room for whole names on a narrow terminal, in this order; the other reports keep them."""
_GAP = 2
"""Characters between two columns of the table."""
_DASH = {NOTHING: "-", "…": "..."}


def render(run: RunReport, *, folder: Path, versus: RunComparison | None = None) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=WIDTH, color_system=None, force_terminal=False, legacy_windows=False)
    show(run, console=console, folder=folder, versus=versus)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def show(run: RunReport, *, console: Console, folder: Path, versus: RunComparison | None = None) -> None:
    """Print the end of a run. Nothing that a cell recorded is taken for markup."""
    ascii_only = console.options.ascii_only
    parts: list[RenderableType] = []
    if run.cells:
        parts.append(_table(run, width=console.width, ascii_only=ascii_only))
    parts += _limits(run, ascii_only=ascii_only)
    parts += [Text(_letters(words, ascii_only=ascii_only), style="yellow") for words in shortfalls(run.cells)]
    parts += _skipped(run, ascii_only=ascii_only)
    parts += [
        _reasons(cells, problems, folder=folder, width=console.width, ascii_only=ascii_only)
        for cells, problems in outcomes.together(run.cells, folder=folder)
    ]
    if rates := list(_rates(run, ascii_only=ascii_only)):
        parts += [Text(), *rates]
    if changes := list(_changes(versus, ascii_only=ascii_only)):
        parts += [Text(), *changes]
    remarkable = [cell for cell in run.cells if cell.verdict is Verdict.PASSED and cell.reason]
    parts += [_remark(cell, ascii_only=ascii_only) for cell in remarkable]
    parts.append(_last_line(run, ascii_only=ascii_only))
    console.print(Group(*parts), crop=False)  # what is copied is longer than the terminal rather than broken


def _table(run: RunReport, *, width: int, ascii_only: bool) -> Table:
    """A row for each cell. Names are copied into commands, so they are never broken: other columns give way."""
    tokens = not work.is_only_work(run.cells)
    rows: Sequence[Mapping[str, Text]] = [_row(cell, tokens=tokens, ascii_only=ascii_only) for cell in run.cells]
    rows = without_least_needed(rows, _LEAST_NEEDED, width=width, gap=_GAP)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False, header_style="bold")
    if (needed := table_width(rows, gap=_GAP)) > width:
        table.width = needed
    for name in rows[0]:
        table.add_column(name, justify="left" if name in ("cell", "verdict") else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row.values())
    return table


def _row(cell: CellReport, *, tokens: bool, ascii_only: bool) -> dict[str, Text]:
    """A cell's value of each column, by the column's name."""
    share = outcomes.cached_share(cell.build) if cell.build else None
    values = {
        "cell": plain(cell.name),
        "build": clock(cell.build.seconds if cell.build else None),
        "cached": NOTHING if share is None else f"{share:.0%}",
        "proof": "{}/{}".format(*outcomes.proved(cell.checks)) if cell.checks else NOTHING,
        "tests": f"{outcomes.passed(cell.tests)}/{len(cell.tests)}" if cell.tests else NOTHING,
        "size": size(cell.image.bytes_unpacked if cell.image else None),
    }
    row = {name: Text(_letters(value, ascii_only=ascii_only)) for name, value in values.items()}
    if tokens:
        for name, metric in zip(("pp", "tg"), grades.RATES, strict=True):
            row[name] = _rate(figures.find(cell, metric), ascii_only=ascii_only)
    return row | {"verdict": _verdict(cell.verdict, ascii_only=ascii_only)}


def _rate(measurement: Measurement | None, *, ascii_only: bool) -> Text:
    """`120`, `~120` where it is noisy, struck out where it is void."""
    if measurement is None:
        return Text(_letters(NOTHING, ascii_only=ascii_only))
    if (void := grades.struck(measurement)) is not None:
        return Text(f"{rate(void)} void", style="magenta strike")
    if not measurement.counted:
        return Text(_letters(NOTHING, ascii_only=ascii_only))
    sign = "~" if measurement.grade is Grade.NOISY else ""
    return Text(f"{sign}{rate(statistics.median(measurement.counted))}", style="yellow" if sign else "")


def _rates(run: RunReport, *, ascii_only: bool) -> Iterator[RenderableType]:
    """The rates with their intervals and grades, and what helps against the noise that was seen."""
    tokens = [(cell.name, one) for cell in run.cells for one in cell.measurements if _is_token_rate(one)]
    if len(tokens) > _SHOWN_RATES:  # the table has them, with their signs
        tokens = []
    others = [(cell.name, one) for cell in run.cells for one in work.rates(cell)]
    if len(others) > _SHOWN_RATES:
        others = [(cell.name, one) for cell in run.cells for one in work.head_rates(cell)]
    shown = [*tokens, *others]
    lines = [(name, f"{one.workload} {grades.figure(one)}", one.grade) for name, one in shown if one.grading]
    several = len({name for name, _, _ in lines}) > 1
    for name, words, worth in lines:
        line = f"{plain(name)}: {words}" if several else words
        yield Text(_letters(one_line(line, most=400), ascii_only=ascii_only), style=_GRADES[worth])
    helps = dict.fromkeys(words for _, words in grades.advice(run.cells))
    if helps:
        yield Text(_letters(f"for exact figures, {next(iter(helps))}", ascii_only=ascii_only), style="dim")


def _is_token_rate(measurement: Measurement) -> bool:
    return measurement.metric in grades.RATES and grades.is_rate(measurement) and measurement.grading is not None


def _remark(cell: CellReport, *, ascii_only: bool) -> RenderableType:
    """What a reader must know of a cell that passed."""
    text = f"\n{plain(cell.name)}: {one_line(plain(cell.reason), most=400)}"
    return Text(_letters(text, ascii_only=ascii_only), style="dim")


def _limits(run: RunReport, *, ascii_only: bool) -> Iterator[RenderableType]:
    """How near the rates are to what the device allows, a line a cell."""
    for cell in run.cells:
        if said := "; ".join(limits.lines(cell)):
            yield Text(
                _letters(f"{plain(cell.name)}: {one_line(plain(said), most=400)}", ascii_only=ascii_only), style="dim"
            )


def _skipped(run: RunReport, *, ascii_only: bool) -> Iterator[RenderableType]:
    """Why tests did not run, the most frequent reason first, so that a missing test is noticed."""
    reasons = Counter(
        one_line(plain(test.message), most=200)
        for cell in run.cells
        for test in cell.tests
        if test.verdict is Verdict.SKIPPED
    )
    for reason, number in reasons.most_common(_SHOWN_SKIPS):
        yield Text(_letters(f"{count(number, 'test')} skipped: {reason}", ascii_only=ascii_only), style="dim")
    if more := sum(reasons.values()) - sum(number for _, number in reasons.most_common(_SHOWN_SKIPS)):
        yield Text(f"{count(more, 'test')} skipped for other reasons: report.html has them", style="dim")


def _reasons(
    cells: Sequence[CellReport], problems: Sequence[outcomes.Problem], *, folder: Path, width: int, ascii_only: bool
) -> RenderableType:
    """The reasons that all of these cells share."""
    verdict = _verdict(cells[0].verdict, ascii_only=ascii_only)
    names = "\n  ".join(plain(cell.name) for cell in cells)
    parts: list[RenderableType] = [Text.assemble("\n", verdict, " ", (names, "bold"))]
    for problem in problems:
        message = _letters(f"{plain(problem.what)}: {one_line(problem.message, most=400)}", ascii_only=ascii_only)
        wrapped = textwrap.wrap(message, max(20, width - 2), break_long_words=False, break_on_hyphens=False)
        parts += [_unbroken(f"  {line}") for line in wrapped]
        lines = [line for text in problem.lines for line in plain(text).splitlines()][-_SHOWN_LINES:]
        parts += [_unbroken(f"    {line}", style="dim") for line in lines]
        if problem.log:
            parts.append(_unbroken(f"  log: {plain(str(folder / problem.log))}"))
    return Group(*parts)


def _unbroken(text: str, *, style: str = "") -> Text:
    """A line that people copy from: longer than the terminal rather than broken."""
    return Text(text, style=style, no_wrap=True, overflow="ignore")


def _changes(versus: RunComparison | None, *, ascii_only: bool) -> Iterator[RenderableType]:
    """What is not as it was, or may not be; how many are is enough to know of the others."""
    if versus is None:
        return
    changed = [one.judged for one in versus.in_order if one.judged.verdict in (Change.REGRESS, Change.IMPROVE)]
    unsure = [one.judged for one in versus.in_order if one.judged.verdict in (Change.INCONCLUSIVE, Change.VOID)]
    for judged in (*changed, *unsure[:_SHOWN_LINES]):
        head = Text(f"{judged.verdict} ", style=_CHANGES[judged.verdict])
        words = f"{plain(judged.cell)} {judged.workload} {judged.metric}: {one_line(judged.reason)}"
        yield head.append(_letters(words, ascii_only=ascii_only), style="default")
    if len(unsure) > _SHOWN_LINES:
        yield Text(f"{len(unsure) - _SHOWN_LINES} more are not sure: report.html has them", style="dim")
    counts = ", ".join(f"{number} {change}" for change, number in versus.tally) or "nothing to compare"
    yield Text(_letters(f"beside {one_line(versus.baseline)}: {counts}", ascii_only=ascii_only))


def _last_line(run: RunReport, *, ascii_only: bool) -> Text:
    line = Text("\n")
    line.append_text(_verdict(run.verdict, ascii_only=ascii_only))
    words = [outcomes.headline(run)]
    if (took := outcomes.run_seconds(run)) is not None:
        words.append(seconds(took))
    if run.excluded:
        words.append(f"{count(len(run.excluded), 'combination')} excluded")
    line.append(f"  {', '.join(words)}")
    return line


def _verdict(verdict: Verdict, *, ascii_only: bool) -> Text:
    symbol = (_ASCII if ascii_only else SYMBOLS)[verdict]
    return Text(f"{symbol} {verdict}", style=_STYLES[verdict])


def _letters(text: str, *, ascii_only: bool) -> str:
    if not ascii_only:
        return text
    for sign, instead in _DASH.items():
        text = text.replace(sign, instead)
    return text.encode("ascii", "replace").decode("ascii")
