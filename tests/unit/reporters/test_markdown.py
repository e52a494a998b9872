from __future__ import annotations

import re
from pathlib import Path

from bakehouse.model.enums import Verdict
from bakehouse.model.report import ExcludedRecord, Measurement, RunReport, Sample
from bakehouse.reporters import markdown
from bakehouse.reporters.comparison import RunComparison
from tests.unit.reporters.poison import poisoned
from tests.unit.reporters.sample import failed_cell, sample_run
from tests.unit.reporters.world import world_with_comparison

HERE = Path("nowhere")


def with_tail(*lines: str) -> RunReport:
    cell = failed_cell()
    assert cell.build
    cell.build.tail = list(lines)
    return sample_run().model_copy(update={"cells": [cell]})


def test_markup_in_a_record_stays_text() -> None:
    text = markdown.render(poisoned(sample_run(), "<script>x</script>|a|\n**b** `c`"), folder=HERE)
    without_code = re.sub(r"```text\n.*?```|`[^`]*`", "", text, flags=re.DOTALL)
    assert "&lt;script&gt;" in without_code
    assert "<script>" not in without_code
    # A line that begins with a tag of ours is HTML up to the next empty line: nothing in it is Markdown.
    assert not [line for line in without_code.splitlines() if "**b**" in line and not line.startswith("<")]


def test_tables_keep_their_columns() -> None:
    text = markdown.render(poisoned(sample_run(), "a|b\nc"), folder=HERE)
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows
    assert all(row.replace("\\|", "").count("|") == 9 for row in rows), "a host's column among them"


def test_a_fence_in_a_log_does_not_end_ours() -> None:
    lines = markdown.render(with_tail("```", "````", "# title"), folder=HERE).splitlines()
    assert lines.count("`````text") == lines.count("`````") == 1


def test_a_long_line_is_cut() -> None:
    text = markdown.render(with_tail("x" * 10_000), folder=HERE)
    assert max(len(line) for line in text.splitlines()) < 400


def test_a_thousand_failures_still_fit_a_job_page() -> None:
    cell = with_tail(*["x" * 1000] * 30).cells[0]
    run = sample_run().model_copy(update={"cells": [cell] * 1000})
    text = markdown.render(run, folder=HERE)
    assert len(text.encode()) < 1024 * 1024
    assert "and 970 more, in report.html" in text


def test_of_hundreds_of_combinations_a_job_page_names_some() -> None:
    excluded = [
        ExcludedRecord(name=f"cell-{number:03}", reason="why", rule="r", nearest="near") for number in range(300)
    ]
    text = markdown.render(sample_run().model_copy(update={"excluded": excluded}), folder=HERE)
    assert "- 300: why (`cell-000`, `cell-001` and 298 more)" in text


def test_a_run_of_two_cells_fits_on_a_screen() -> None:
    run = sample_run()
    excluded = [
        ExcludedRecord(name=f"cell-{number:03}", reason=f"reason {number % 45}", rule="r") for number in range(179)
    ]
    cells = [cell for cell in run.cells if cell.verdict is Verdict.PASSED][:2]
    text = markdown.render(run.model_copy(update={"cells": cells, "excluded": excluded}), folder=HERE)
    assert "179 combinations excluded, for 45 reasons" in text
    assert "and 42 more reasons: report.html and run.json have all" in text
    assert len(text.splitlines()) <= 40
    assert "`cell-020`" not in text


def test_the_long_workload_is_the_cells_rate_and_the_short_one_stands_below() -> None:
    def rate(workload: str, value: float, *, short: bool = False) -> Measurement:
        samples = [Sample(start=0, repetition=0, value=value)]
        return Measurement(workload=workload, metric="prompt_rate", unit="tokens/s", samples=samples, short=short)

    run = sample_run()
    run.cells[0].measurements = [rate("pp512", 9980.0, short=True), rate("pp4096", 10_100.0)]
    assert "pp4096: 10,100<br>short pp512: 9,980" in markdown.render(run, folder=HERE)


def test_a_comparison_is_shown_and_nothing_where_there_is_none() -> None:
    assert "Beside" not in markdown.render(sample_run(), folder=HERE)
    text = markdown.render(sample_run(), folder=HERE, versus=world_with_comparison())
    assert "### Beside the history: 1 regress, 1 inconclusive, 1 pass" in text
    assert "| ▼ regress | `llama-server-cpu-amd64` | Decode rate tg128 | 166 t/s | 156 t/s |" in text
    empty = markdown.render(sample_run(), folder=HERE, versus=RunComparison(baseline="the history", compared=[]))
    assert "### Beside the history: nothing to compare" in empty
