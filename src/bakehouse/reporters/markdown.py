"""`summary.md`: the page of a CI job (GITHUB_STEP_SUMMARY, a GitLab note). Short first, details folded."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from bakehouse.formatting import NOTHING, SYMBOLS, count, moment, quantity, rate, seconds, size
from bakehouse.model.enums import Change, Grade, Verdict
from bakehouse.model.field_types import Unit
from bakehouse.model.fleet import HERE
from bakehouse.model.report import CellReport, Measurement, RunReport
from bakehouse.reporters import calibration, figures, grades, limits, outcomes, work
from bakehouse.reporters.comparison import CHANGES, RunComparison
from bakehouse.reporters.text import one_line, plain
from bakehouse.reporters.voids import voids
from bakehouse.stats.judge import Judged

file = "summary.md"

_SHOWN_PROBLEMS = 30
"""A job page holds 1 MiB; beyond this many, the HTML report is the better place."""
_LONGEST_LINE = 300
_SHOWN_CAUSES = 2
_SHOWN_NAMES = 20
_SHOWN_CHANGES = 8
_SHOWN_REASONS = 3
"""A run of two cells fits on one screen; run.json has everything."""
_SHOWN_EXAMPLES = 2
_MARKS = re.compile(r"([\\`*_\[\]|~#@!$])")


def render(run: RunReport, *, folder: Path, versus: RunComparison | None = None) -> str:
    blocks = [
        f"## {SYMBOLS[run.verdict]} {run.verdict}: {_text(outcomes.headline(run))}",
        _facts(run),
        *_cells(run),
        *_changes(versus, figures.units(run.cells)),
        *_problems(run, folder=folder),
        *_noisy(run),
        *_shortfalls(run),
        *_voids(run),
        *_excluded(run),
        *_supplies(run),
    ]
    return "\n\n".join(blocks) + "\n"


def _facts(run: RunReport) -> str:
    took = seconds(outcomes.run_seconds(run)) if run.finished else "not finished"
    facts = [run.run, moment(run.started), took, run.host.name, run.host.cpu, f"bakehouse {run.bakehouse}"]
    return " · ".join(_text(fact) for fact in facts if fact)


def _cells(run: RunReport) -> Iterator[str]:
    if run.cells:
        tokens = [] if work.is_only_work(run.cells) else ["Prompt t/s", "Decode t/s"]
        others = ["Rate"] if any(work.rates(cell) for cell in run.cells) else []
        hosts = ["Tested on"] if any(cell.tested_by for cell in run.cells) else []
        head = ["Cell", "Verdict", "Proof", "Size", *tokens, *others, "Healthy after", *hosts]
        rows = [
            [*_row(cell, tokens=bool(tokens), others=bool(others)), *([_tested_on(cell)] if hosts else [])]
            for cell in run.cells
        ]
        yield _table(head, rows, right={*range(2, len(head) - len(hosts))})


def _tested_on(cell: CellReport) -> str:
    where = f"{cell.host.name}, {cell.host.cpu}" if cell.host else ""
    return _text(f"{cell.tested_by or HERE} ({where})" if where else cell.tested_by or HERE)


def _row(cell: CellReport, *, tokens: bool, others: bool) -> list[str]:
    return [
        f"`{_code(cell.name)}`",
        f"{SYMBOLS[cell.verdict]} {cell.verdict}",
        outcomes.proof_words(cell.checks) or NOTHING,
        size(cell.image.bytes_unpacked if cell.image else None),
        *(_rate(figures.find(cell, metric), figures.short_of(cell, metric)) for metric in grades.RATES if tokens),
        *([_work(cell)] if others else []),
        seconds(figures.median_of(cell, "time_to_healthy")),
    ]


def _work(cell: CellReport) -> str:
    """`embed-b1-1c: 98.7 embeddings/s (95 to 101)`, a line each, and its limit below it."""
    lines: list[str] = []
    for one in work.head_rates(cell):
        lines += [f"{_text(one.workload)}: {_text(grades.figure(one))}", *filter(None, [_text(limits.words(one))])]
    return "<br>".join(lines) or NOTHING


def _rate(measurement: Measurement | None, short: Measurement | None) -> str:
    """`120 (118 to 122)`, `120 (110 to 143) noisy`, struck out where it is void; then its limit, and what is short."""
    if measurement is None:
        return NOTHING
    words = _figure(measurement)
    if short is None or short is measurement:
        return words
    return f"{_text(measurement.workload)}: {words}<br>short {_text(short.workload)}: {_figure(short)}"


def _figure(measurement: Measurement) -> str:
    if (void := grades.struck(measurement)) is not None:
        return f"~~{rate(void)}~~ void"
    words = grades.brief(measurement)
    words = f"{words} noisy" if measurement.grade is Grade.NOISY else words
    return f"{words}<br>{said}" if (said := _text(limits.words(measurement))) else words


def _changes(versus: RunComparison | None, units: Mapping[tuple[str, str, str], Unit]) -> Iterator[str]:
    """What is not as it was, or may not be."""
    if versus is None:
        return
    counts = ", ".join(f"{number} {change}" for change, number in versus.tally) or "nothing to compare"
    yield f"### Beside {_text(versus.baseline)}: {counts}"
    other = [one for one in versus.in_order if one.judged.verdict is not Change.PASS]
    rows = [
        [
            f"{CHANGES[one.judged.verdict]} {one.judged.verdict}",
            f"`{_code(one.judged.cell)}`",
            f"{figures.METRICS[one.judged.metric][0]} {_text(one.judged.workload)}",
            *(quantity(value, _unit(one.judged, units)) for value in (one.judged.baseline, one.judged.candidate)),
            _text(one.judged.reason),
        ]
        for one in other[:_SHOWN_CHANGES]
    ]
    if rows:
        yield _table(["Verdict", "Cell", "Metric", "Before", "Now", "Why"], rows, right={3, 4})
    if len(other) > _SHOWN_CHANGES:
        yield f"and {len(other) - _SHOWN_CHANGES} more, in report.html"


def _unit(judged: Judged, units: Mapping[tuple[str, str, str], Unit]) -> Unit:
    return units.get((judged.cell, judged.workload, judged.metric)) or figures.unit_of(judged.metric)


def _noisy(run: RunReport) -> Iterator[str]:
    """Why rates are noisy, and what helps: once, whatever the number of cells."""
    noisy = [one for cell in run.cells for one in cell.measurements if grades.is_asked(one) and grades.noise(one)]
    if not noisy:
        return
    seen = list(grades.advice(run.cells))
    words = "; ".join(f"{disturbance} ({help_})" for disturbance, help_ in seen[:_SHOWN_CAUSES])
    example = next(iter(grades.reasons(noisy[0])), "")
    yield f"{count(len(noisy), 'rate')} noisy: {_text(words)}. For example {noisy[0].workload}: {_text(example)}"


def _shortfalls(run: RunReport) -> Iterator[str]:
    found = calibration.shortfalls(run.cells)
    if found:
        more = f"; and {len(found) - _SHOWN_CAUSES} more, in report.html" if len(found) > _SHOWN_CAUSES else ""
        yield f"Found: {'; '.join(map(_text, found[:_SHOWN_CAUSES]))}{more}"


def _voids(run: RunReport) -> Iterator[str]:
    groups = [group for group in voids(run.cells) if group.verdict is Verdict.VOID]
    if groups:
        lines = [
            f"- {group.samples}: {_text(group.reason)} ({', '.join(f'`{_code(cell)}`' for cell, _ in group.where)})"
            for group in groups[:_SHOWN_REASONS]
        ]
        if len(groups) > _SHOWN_REASONS:
            lines.append(f"- and {count(len(groups) - _SHOWN_REASONS, 'more reason')}, in report.html")
        yield _folded(f"{count(sum(group.samples for group in groups), 'sample')} void", "\n".join(lines))


def _problems(run: RunReport, *, folder: Path) -> Iterator[str]:
    found = [
        (cells, problem) for cells, problems in outcomes.together(run.cells, folder=folder) for problem in problems
    ]
    if found:
        yield "### What went wrong"
    for cells, problem in found[:_SHOWN_PROBLEMS]:
        yield _problem(cells, problem)
    if len(found) > _SHOWN_PROBLEMS:
        yield f"and {len(found) - _SHOWN_PROBLEMS} more, in report.html"


def _problem(cells: Sequence[CellReport], problem: outcomes.Problem) -> str:
    """A line, with what there is to see folded below it."""
    names = [cell.name for cell in cells[:_SHOWN_NAMES]]
    name = "</b>, <b>".join(escape(one_line(text), quote=False) for text in names)
    what, message = (escape(one_line(text), quote=False) for text in (problem.what, problem.message))
    if len(cells) > _SHOWN_NAMES:
        what = f"and {len(cells) - _SHOWN_NAMES} more, {what}"
    title = f"{SYMBOLS[problem.verdict]} <b>{name}</b>, {what}: {message}"
    lines = [line[:_LONGEST_LINE] for text in problem.lines for line in plain(text).splitlines()]
    parts = [_fence(lines)] if lines else []
    if problem.log:
        parts.append(f"Log: `{_code(problem.log)}`")
    if not parts:
        return f"<p>{title}</p>"
    return "\n\n".join([f"<details><summary>{title}</summary>", *parts, "</details>"])


def _excluded(run: RunReport) -> Iterator[str]:
    """By reason, the most frequent first; a job page is no place for hundreds of names."""
    if not run.excluded:
        return
    names: dict[str, list[str]] = defaultdict(list)
    for record in sorted(run.excluded, key=lambda record: record.name):
        names[record.reason].append(record.name)
    groups = sorted(names.items(), key=lambda item: -len(item[1]))
    lines = [f"- {len(members)}: {_text(reason)} ({_some(members)})" for reason, members in groups[:_SHOWN_REASONS]]
    title = f"{count(len(run.excluded), 'combination')} excluded, for {count(len(groups), 'reason')}"
    if (more := len(groups) - _SHOWN_REASONS) > 0:
        lines.append(f"- and {count(more, 'more reason')}: report.html and run.json have all")
    yield _folded(title, "\n".join(lines))


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _some(names: list[str]) -> str:
    shown = ", ".join(f"`{_code(name)}`" for name in names[:_SHOWN_EXAMPLES])
    return f"{shown} and {len(names) - _SHOWN_EXAMPLES} more" if len(names) > _SHOWN_EXAMPLES else shown


def _supplies(run: RunReport) -> Iterator[str]:
    if not run.supplies:
        return
    rows = []
    for supplied in run.supplies:
        answered = next((attempt.place for attempt in supplied.attempts if attempt.ok), "none")
        refused = sum(not attempt.ok for attempt in supplied.attempts)
        rows.append(
            [
                f"{supplied.kind} `{_code(supplied.name)}`",
                _text(answered) + (f" (after {count(refused, 'refusal')})" if refused else ""),
                f"`{_code(supplied.identity)}`" if supplied.identity else NOTHING,
                "yes" if supplied.locked else "no",
            ]
        )
    yield _folded(count(len(rows), "supply", "supplies"), _table(["Supply", "From", "Identity", "Locked"], rows))


def _table(head: list[str], rows: list[list[str]], *, right: set[int] | None = None) -> str:
    rule = ["---:" if index in (right or set()) else "---" for index in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def _fence(lines: list[str]) -> str:
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def _text(text: str) -> str:
    """As running text or in a table's cell: nothing in it is markup, a mention or a reference."""
    return _MARKS.sub(r"\\\1", escape(one_line(text), quote=False))


def _code(text: str) -> str:
    """Between backticks, also in a table's cell."""
    return one_line(text).replace("`", "'").replace("|", "\\|") or NOTHING
