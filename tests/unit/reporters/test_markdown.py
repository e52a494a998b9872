from __future__ import annotations

import re
from pathlib import Path

from bakehouse.model.report import RunReport
from bakehouse.reporters import markdown
from tests.unit.reporters.poison import poisoned
from tests.unit.reporters.sample import failed_cell, sample_run

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
    assert all(row.replace("\\|", "").count("|") == 7 for row in rows)


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
