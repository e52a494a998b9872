from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from bakehouse.model.report import Measurement, Sample
from bakehouse.stats.grading import graded
from bakehouse.suite.display import SuiteDisplay
from bakehouse.suite.progress import PaceOfTest, Progress, counter, read


def progress(done: int, total: int = 14) -> Progress:
    return Progress(cell="a", done=done, total=total)


def test_what_a_worker_writes_is_read_back() -> None:
    lines: list[str] = []
    ended = counter("a", lines.append, total=2, left=lambda: math.inf)
    ended([])
    ended([])
    assert [read(line) for line in lines] == [progress(0, 2), progress(1, 2), progress(2, 2)]


def test_the_interval_and_the_time_left_are_told_after_each_start() -> None:
    lines: list[str] = []
    left = iter([120.0, 90.0])
    ended = counter("a", lines.append, total=None, left=lambda: next(left))
    samples = [Sample(start=n, repetition=0, value=value) for n, value in enumerate((118.0, 123.0))]
    ended(
        [
            graded(Measurement(workload="sweep-2u", metric=metric, unit="tokens/s", samples=samples))
            for metric in ("system_rate", "decode_rate")
        ]
    )
    pace = PaceOfTest(latest=progress(0), at=0.0)
    said = read(lines[-1])
    assert said
    pace.take(said, 10.0)
    assert pace.describe(30.0) == "measuring: 1 start, sweep-2u 118 to 123 t/s, at most 1 min 10 s left"


@pytest.mark.parametrize("line", ["bakehouse: hello", "bakehouse-progress: {torn", "PASSED"])
def test_other_lines_say_nothing_of_it(line: str) -> None:
    assert read(line) is None


def test_time_left_follows_from_the_starts_that_were_really_taken() -> None:
    pace = PaceOfTest(latest=progress(0), at=100.0)
    assert pace.describe(105.0) == "measuring: 0 of 14 starts"
    pace.take(progress(1), 100.01)  # taken before the run was cut off
    assert pace.left(101.0) is None
    pace.take(progress(2), 120.01)
    assert pace.left(120.01) == pytest.approx(240.0)
    assert pace.describe(130.01) == "measuring: 2 of 14 starts, about 3 min 50 s left"
    assert pace.left(1000.0) == 0.0


def displayed(folder: Path, said: list[str], clock: Callable[[], float], *, terminal: bool) -> SuiteDisplay:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    return SuiteDisplay(["a"], run_folders=[folder], console=console, say=said.append, clock=clock)


def test_who_reads_a_log_hears_of_it_now_and_then(tmp_path: Path) -> None:
    said: list[str] = []
    now = [0.0]
    display = displayed(tmp_path, said, lambda: now[0], terminal=False)
    for done in range(5):
        display.measuring(progress(done))
        now[0] += 20.0
    assert said == [
        "a: measuring: 2 of 14 starts, about 4 min left",
        "a: measuring: 4 of 14 starts, about 3 min 20 s left",
    ]


def test_who_watches_a_terminal_sees_it_all_the_time(tmp_path: Path) -> None:
    said: list[str] = []
    display = displayed(tmp_path, said, lambda: 0.0, terminal=True)
    display.measuring(progress(3))
    console = Console(file=io.StringIO(), width=120)
    console.print(display._render())
    file = console.file
    assert isinstance(file, io.StringIO)
    assert "measuring: 3 of 14 starts" in file.getvalue()
    assert said == []
