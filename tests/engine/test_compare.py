"""Two images in turn on a real engine: the slower one is called slower, and a comparison that is killed goes on."""

from __future__ import annotations

import pytest
from tests.engine.toy import Toy

from bakehouse.errors import ExitCode
from bakehouse.model.enums import Grade, Verdict

pytestmark = pytest.mark.engine

PATIENCE = 240.0
"""Seconds for fourteen starts."""


def built(toy: Toy) -> str:
    """The name of a run that built the good server."""
    toy.write(whole_suite=True)
    ended = toy.build("--no-tests")
    assert ended.code == ExitCode.OK, ended.said
    return toy.folders[-1].name


def test_a_slower_image_is_a_regression_where_the_figures_are_exact(toy: Toy) -> None:
    before = built(toy)
    toy.write({"default": {"TOY": "slow"}}, whole_suite=True)
    words = ("bench", "--compare", before, "--repetitions", "1", "--no-history")
    ended = toy.start(*words, "--fail-on-regression").end(PATIENCE)
    assert f"run {before} (sha256:" in ended.said
    cell = toy.cell()
    assert cell.verdict is Verdict.PASSED
    assert cell.baseline
    rates = []
    for side in (cell.measurements, cell.baseline.measurements):
        (rate,) = (one for one in side if one.metric == "decode_rate" and not one.short)
        assert sorted({sample.start for sample in rate.samples}) == list(range(7))
        rates.append(rate)
    # On a busy machine the figures are noisy, and nothing may be made of them.
    is_exact = all(rate.grade is Grade.EXACT for rate in rates)
    line = f"regress toy-cpu-amd64 {rates[0].workload} decode_rate"
    again = toy.run("report")
    for said in (" ".join(ended.said.split()), " ".join(again.said.split())):
        assert (line in said) == is_exact, said
    is_slower = "regress toy-cpu-amd64" in ended.said  # its memory may have grown, too
    assert ended.code == (ExitCode.CELL_FAILED if is_slower else ExitCode.OK), ended.said
    assert not (toy.root / "reports" / "history").exists()


def test_a_comparison_that_is_killed_goes_on_with_what_it_had(toy: Toy) -> None:
    before = built(toy)
    words = ("bench", "--compare", before, "--starts", "2", "--repetitions", "1", "--no-history")
    running = toy.start(*words)
    notes = "reports/2*/tests/notebook/*.jsonl"
    running.wait_for(lambda: any('"kind":"start"' in path.read_text() for path in toy.root.glob(notes)))
    running.kill()
    (path,) = toy.root.glob(notes)
    had = path.read_text()
    ended = toy.start(*words).end(PATIENCE)
    assert ended.code == ExitCode.OK, ended.said
    assert "which was cut off" in ended.said
    assert path.read_text().startswith(had), "nothing that was taken is taken again, or lost"
    cell = toy.cell()
    assert cell.baseline
    (ours,) = (one for one in cell.measurements if one.metric == "decode_rate" and one.workload == "tg8")
    (theirs,) = (one for one in cell.baseline.measurements if one.metric == "decode_rate" and one.workload == "tg8")
    first = had.splitlines()
    assert any(f'"value":{ours.samples[0].value}' in line for line in first)
    assert len({sample.start for sample in ours.samples}) >= 2
    assert len({sample.start for sample in theirs.samples}) >= 2


def test_a_baseline_that_is_not_there_is_said_before_anything_is_built(toy: Toy) -> None:
    toy.write(whole_suite=True)
    ended = toy.run("bench", "--compare", "nobody/has:this")
    assert ended.code == ExitCode.BAD_INPUT, ended.said
    assert "--compare nobody/has:this: there is no run of that name, the engine has no such image" in ended.said
    assert not toy.folders
