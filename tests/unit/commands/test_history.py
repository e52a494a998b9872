from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bakehouse.commands.history import Import, decide, import_file
from bakehouse.errors import InputError
from bakehouse.history.baseline import read_decisions
from bakehouse.history.collect import collect, keep
from bakehouse.history.journal import Problems
from bakehouse.model.enums import Change
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.history_writer import HistoryWriter
from tests.unit.history.imports.test_imports import BENCH
from tests.unit.history.samples import CELL, name, night_of
from tests.unit.pipeline.test_history_writer import MACHINE, cell, measured, run
from tests.unit.projects import write_project


@pytest.fixture
def context(tmp_path: Path) -> Context:
    console = Console(file=io.StringIO(), width=200)
    return Context(root=tmp_path, cache=tmp_path / "cache", environ={}, console=console)


@pytest.fixture
def nights(context: Context) -> None:
    keep(context.reports / "history", [row for night in range(3) for row in night_of(night)])


def said(context: Context) -> str:
    assert isinstance(context.console.file, io.StringIO)
    return context.console.file.getvalue()


def bench_file(folder: Path, rate: float = 500.0) -> Path:
    path = folder / f"bench-{rate}.jsonl"
    path.write_text(json.dumps(BENCH | {"samples_ts": [rate, rate + 1]}))
    return path


@pytest.mark.usefixtures("nights")
def test_decisions_are_added_in_order(context: Context) -> None:
    decide(context, "pin", cell=CELL, run=name(1), reason="the release")
    decide(context, "unpin", cell=CELL, run="", reason="")
    decide(context, "accept", cell=CELL, run=name(2), reason="")
    found = read_decisions(context.reports / "baselines", Problems())
    assert [(one.kind, one.run, one.reason) for one in found] == [
        ("pin", name(1), "the release"),
        ("unpin", "", ""),
        ("accept", name(2), ""),
    ]
    assert f"{CELL}: runs are compared with {name(1)} only" in said(context)


@pytest.mark.usefixtures("nights")
@pytest.mark.parametrize(
    ("cell_name", "run_name", "message"),
    [
        (CELL[:-1], name(1), f"has no cell {CELL[:-1]}\n  Perhaps you meant {CELL!r}."),
        ("x", name(1), f"has no cell x\n  it has {CELL}"),
        (CELL, "20260101", f"has no run 20260101 of {CELL}\n  the newest are {name(0)}, {name(1)}, {name(2)}"),
    ],
)
def test_what_the_history_does_not_know_cannot_be_decided(
    context: Context, cell_name: str, run_name: str, message: str
) -> None:
    with pytest.raises(InputError) as error:
        decide(context, "pin", cell=cell_name, run=run_name, reason="")
    assert message in str(error.value)
    assert not (context.reports / "baselines").exists()


def test_without_a_history_one_is_told_how_to_get_one(context: Context) -> None:
    with pytest.raises(InputError, match="run `bakehouse bench` first"):
        decide(context, "unpin", cell=CELL, run="", reason="")


def test_a_level_that_was_accepted_is_the_baseline(context: Context) -> None:
    def tonight(night: int, rate: float) -> Change:
        writer = HistoryWriter(reports=context.reports, machine=MACHINE, revisions={}, say=context.say)
        record = run(cell("a", measured(rate + night % 3 / 10)), night=night)
        writer.keep(record)
        versus = writer.compare(record)
        return versus.compared[0].judged.verdict if versus and versus.compared else Change.INCONCLUSIVE

    for night in range(6):
        tonight(night, 100)
    slow = [tonight(night, 90) for night in range(6, 12)]
    assert slow[-1] is Change.REGRESS
    decide(context, "accept", cell="a", run=run(night=8).run, reason="it is more exact now")
    assert tonight(12, 90) is Change.PASS


@pytest.mark.usefixtures("nights")
def test_a_file_is_imported_once(context: Context, tmp_path: Path) -> None:
    asked = Import(path=bench_file(tmp_path), cell=CELL, host="box")
    import_file(context, asked)
    found = collect(context.reports / "history")
    assert {terms.client for terms in found.terms} == {"bakehouse 0.1.0", "llama-bench"}
    assert [one.name.startswith("import-") for one in found.runs].count(True) == 1
    assert "2 repetitions were added as run import-" in said(context)
    assert "nothing to compare" in said(context)
    with pytest.raises(InputError, match="is in the history already"):
        import_file(context, asked)


@pytest.mark.usefixtures("nights")
def test_a_second_file_is_compared_and_one_start_is_no_verdict(context: Context, tmp_path: Path) -> None:
    for rate, day in ((500.0, 1), (400.0, 2)):
        path = bench_file(tmp_path, rate)
        path.write_text(path.read_text().replace("2026-02-01", f"2026-02-0{day}"))
        import_file(context, Import(path=path, cell=CELL, host="box"))
    assert "inconclusive: pp512 prompt_rate: 1 starts beside 1 of the baseline" in said(context)


@pytest.mark.usefixtures("nights")
@pytest.mark.parametrize(
    ("content", "message"),
    [("", "is empty"), ("{", "is not JSON"), ("{}", "was written by none of llama-bench, guidellm, aiperf")],
)
def test_a_file_of_nobody_is_refused_whole(context: Context, tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    before = {file: file.read_bytes() for file in context.reports.rglob("*.jsonl")}
    with pytest.raises(InputError, match=message):
        import_file(context, Import(path=path, cell=CELL, host="box"))
    assert {file: file.read_bytes() for file in context.reports.rglob("*.jsonl")} == before


def test_a_file_that_is_not_there_and_a_cell_that_nobody_knows(context: Context, tmp_path: Path) -> None:
    write_project(tmp_path)
    with pytest.raises(InputError, match="neither the matrix nor the history has a cell server-cpu-amd65") as error:
        import_file(context, Import(path=tmp_path / "gone", cell="server-cpu-amd65", host="box"))
    assert "Perhaps you meant 'server-cpu-amd64'." in str(error.value)
    with pytest.raises(InputError, match="gone cannot be read: No such file"):
        import_file(context, Import(path=tmp_path / "gone", cell="server-cpu-amd64", host="box"))
