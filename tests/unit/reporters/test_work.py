"""No report speaks of tokens where a cell serves something else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from bakehouse.model.report import Metric, RunReport
from bakehouse.reporters import figures, grades, html, junit, markdown, terminal, work
from bakehouse.reporters.exports import action_benchmark, csv_file, ctrf, openmetrics
from tests.unit.reporters.sample import sample_run
from tests.unit.reporters.work_cells import work_cell


def run(*, disturbed: bool = False) -> RunReport:
    return sample_run().model_copy(update={"cells": [work_cell(disturbed=disturbed)], "supplies": [], "excluded": []})


def test_every_metric_has_a_name_and_a_definition() -> None:
    assert not set(get_args(Metric)) - set(figures.METRICS)


def test_the_first_level_of_a_task_and_its_highest_stand_for_it() -> None:
    assert [one.workload for one in work.head_rates(work_cell())] == ["embed-b1-1c", "embed-b8-1c"]
    assert work.is_only_work([work_cell()])
    assert not work.is_only_work(sample_run().cells)


@pytest.mark.parametrize("renderer", [terminal, markdown, html, junit, ctrf, openmetrics, csv_file])
def test_rates_have_their_own_unit_everywhere(renderer: object, tmp_path: Path) -> None:
    text = renderer.render(run(), folder=tmp_path)  # type: ignore[attr-defined]
    assert "embeddings/s" in text or "embeddings_per_second" in text
    assert not re.search(r"\bt/s\b|tokens/s|tokens per second", text)
    assert "embed-b8-1c" in text


def test_the_terminal_shows_each_level_with_its_interval(tmp_path: Path) -> None:
    text = terminal.render(run(), folder=tmp_path)
    assert "embed-b1-1c 100 embeddings/s (" in text
    assert re.search(r"size +verdict", text)


def test_a_summary_of_tokens_and_other_work_has_columns_for_both(tmp_path: Path) -> None:
    mixed = run().model_copy(update={"cells": [*sample_run().cells[:1], work_cell()]})
    text = markdown.render(mixed, folder=tmp_path)
    assert "| Prompt t/s | Decode t/s | Rate |" in text
    assert "embed-b8-1c: 401 embeddings/s" in text


def test_a_noisy_rate_is_said_to_be(tmp_path: Path) -> None:
    noisy = run(disturbed=True)
    assert grades.remark(noisy.cells) == "rates noisy: other work on this machine"
    assert "noisy: other work on this machine" in terminal.render(noisy, folder=tmp_path)


def test_alarms_know_that_more_is_better(tmp_path: Path) -> None:
    entries = json.loads(action_benchmark.BIGGER.render(run(), folder=tmp_path))
    assert {entry["unit"] for entry in entries} == {"embeddings/s"}


def test_the_page_draws_each_level_and_what_clients_and_batches_do(tmp_path: Path) -> None:
    text = html.render(run(), folder=tmp_path)
    assert "embed, by clients" in text
    assert "embed, by inputs in a request" in text
    assert ">401 <small>embeddings/s</small>" in text
