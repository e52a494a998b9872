from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from bakehouse.history.baseline import Baseline, Compared
from bakehouse.model.enums import Change, Verdict
from bakehouse.model.report import Check
from bakehouse.reporters import show, terminal
from bakehouse.reporters.comparison import RunComparison
from bakehouse.stats.judge import Judged
from tests.unit.reporters.poison import poisoned
from tests.unit.reporters.sample import sample_run, write_logs


def shown(width: int, *, encoding: str = "utf-8", folder: Path = Path("reports/run")) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    show(sample_run(), console=Console(file=stream, width=width, color_system=None), folder=folder)
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_but_those_of_a_log_is_wider_than_the_terminal(width: int) -> None:
    lines = [line for line in shown(width).splitlines() if not line.startswith(("    ", "  log: "))]
    assert max(len(line) for line in lines) <= width


@pytest.mark.parametrize("width", [20, 40, 80, 100, 200])
def test_no_name_and_no_path_is_broken(width: int, tmp_path: Path) -> None:
    write_logs(tmp_path)
    text = shown(width, folder=tmp_path)
    lines = text.splitlines()
    for cell in sample_run().cells:
        assert any(line.split()[:1] == [cell.name] for line in lines), cell.name
    assert f"log: {tmp_path}/logs/llama-server-cuda12.4-sm86-amd64.build.log" in text


def test_no_path_in_a_reason_is_broken() -> None:
    run = sample_run()
    path = "/app/env/lib/python3.13/site-packages/onnxruntime/capi/libonnxruntime_providers_cuda.so"
    check = Check(name="linkage", verdict=Verdict.FAILED, message=f"libx.so is missing, needed by {path} (and 2 more)")
    bad = run.cells[0].model_copy(update={"verdict": Verdict.FAILED, "checks": [check], "reason": ""})
    stream = io.StringIO()
    show(run.model_copy(update={"cells": [bad]}), console=Console(file=stream, width=60), folder=Path("reports/run"))
    assert path in stream.getvalue()


def test_columns_give_way_to_names() -> None:
    def columns(width: int) -> list[str]:
        return shown(width).splitlines()[0].split()

    assert columns(120) == ["cell", "build", "cached", "proof", "tests", "size", "pp", "tg", "verdict"]
    assert columns(80) == ["cell", "proof", "tests", "pp", "tg", "verdict"]
    assert columns(20) == ["cell", "proof", "tests", "verdict"]


def test_a_terminal_without_our_letters_gets_others() -> None:
    text = shown(80, encoding="ascii")
    assert "+ passed" in text
    assert "x failed" in text


def test_reasons_come_with_the_path_of_the_log(tmp_path: Path) -> None:
    write_logs(tmp_path)
    text = shown(300, folder=tmp_path)
    assert f"log: {tmp_path}/logs/llama-server-cuda12.4-sm86-amd64.build.log" in text
    assert "cell: no base rocm7-devel (tried" in text


def test_what_changed_is_all_said_and_what_is_not_sure_is_counted(tmp_path: Path) -> None:
    def judged(change: Change, number: int) -> Compared:
        one = Judged(cell="a", workload=f"w{number}", metric="decode_rate", verdict=change, reason="because")
        return Compared(judged=one, baseline=Baseline())

    several = [judged(change, number) for change in (Change.REGRESS, Change.INCONCLUSIVE) for number in range(8)]
    said = terminal.render(sample_run(), folder=tmp_path, versus=RunComparison(baseline="another", compared=several))
    assert said.count("regress a ") == 8
    assert said.count("inconclusive a ") == 5
    assert "3 more are not sure: report.html has them" in said
    assert "beside another: 8 regress, 8 inconclusive" in said


def test_markup_and_escape_sequences_in_a_record_stay_text() -> None:
    text = terminal.render(poisoned(sample_run(), "[bold red]x[/] \x1b]0;title\x07\x1b[31my"), folder=Path("nowhere"))
    assert "[bold" in text
    assert "\x1b" not in text
    assert "title" not in text
