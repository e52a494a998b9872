"""What is left of the time for measuring, on a clock of our own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Measurement, Sample, TestResult
from bakehouse.model.suite import Suite, Workload, WorkToMeasure
from bakehouse.pipeline.spare_time import ROOM, TESTS, choose, may_go_on, second_suite, starts_of, together
from bakehouse.probes.series import Samples, Turns, take
from bakehouse.stats.grading import graded
from bakehouse.suite.budget import FILE, RATES, WORK, Budget, Spent, begin_attempt, end_attempt, read, shares_of
from bakehouse.suite.results import CellResult
from tests.unit.suite.test_run import HERE, subject

LIMIT = 300.0


def suite_of(*cells: str, is_fixed: bool = False, seconds: float | None = LIMIT) -> Suite:
    workload = Workload(
        model_path="/m.gguf", model_sha256="0", prompt_tokens=512, output_tokens=128, starts=3, repetitions=5,
        loads=[{"kind": "chat", "users": 1}],
    )  # fmt: skip
    subjects = [subject(cell, HERE).model_copy(update={"workload": workload}) for cell in cells]
    return Suite(
        run="r", run_folder="/r", cache="/c", subjects=subjects, measure_for=seconds, began=0.0, is_fixed=is_fixed
    )


def rate(*starts: int, value: float = 100.0) -> Measurement:
    """One sample a start, which scatter too much to be exact."""
    samples = [Sample(start=start, repetition=0, value=value * (1 + start / 5)) for start in starts]
    return graded(Measurement(workload="tg128", metric="decode_rate", unit="tokens/s", samples=samples, settings={}))


def found(*starts: int) -> CellResult:
    return CellResult(measurements=[rate(*starts)])


def rates(*cells: str) -> dict[str, frozenset[str]]:
    return dict.fromkeys(cells, frozenset({RATES}))


def embeddings(*starts: int) -> Measurement:
    samples = [Sample(start=start, repetition=0, value=300.0 * (1 + start / 5)) for start in starts]
    about = Measurement(workload="embed-b1-1c", metric="work_rate", unit="embeddings/s", samples=samples, settings={})
    return graded(about)


def both(tokens: tuple[int, ...], work: tuple[int, ...]) -> CellResult:
    return CellResult(measurements=[rate(*tokens), embeddings(*work)])


def test_work_in_units_of_its_own_goes_on_by_itself() -> None:
    task = {
        "name": "embed",
        "unit": "embeddings",
        "http": {"path": "/e", "body": "{input}"},
        "inputs": {"sentences": 4},
    }
    work = WorkToMeasure.model_validate_json(json.dumps({"tasks": [task], "starts": 3, "repetitions": 5, "seconds": 1}))
    suite = suite_of("a", "b")
    suite = suite.model_copy(update={"subjects": [one.model_copy(update={"work": work}) for one in suite.subjects]})
    cells = {"a": both((0, 1, 2), (0,)), "b": both((0,), (0, 1, 2))}
    assert may_go_on(suite, cells["a"])
    assert not may_go_on(suite, both((0, 1, 2), (0, 1, 2)))
    spent = Spent(turns={f"{cell} {share}": 20.0 for cell in "ab" for share in (RATES, WORK)})
    chosen = choose(suite, cells, spent, left=LIMIT)
    assert chosen == {"a": frozenset({WORK}), "b": frozenset({RATES})}
    second = second_suite(suite, chosen, began=1.0)
    assert list(shares_of(second)) == [f"a {WORK}", f"b {RATES}"]
    rates_test, work_test = (
        TestResult(name=f"test_throughput.py::{name}", probe="throughput", verdict=Verdict.PASSED, seconds=1)
        for name in TESTS.values()
    )
    first = CellResult(tests=[rates_test, work_test], measurements=[rate(0, 1, 2), embeddings(0)])
    skipped = rates_test.model_copy(update={"verdict": Verdict.SKIPPED})
    again = CellResult(tests=[skipped, work_test.model_copy(update={"seconds": 9})], measurements=[embeddings(0, 1)])
    found = together(first, again)
    assert [(test.seconds, test.verdict) for test in found.tests] == [(1, Verdict.PASSED), (9, Verdict.PASSED)]
    assert [len(one.samples) for one in found.measurements] == [3, 2]


def test_only_rates_with_too_few_starts_go_on() -> None:
    suite = suite_of("a")
    assert may_go_on(suite, found(0))
    assert may_go_on(suite, found(0, 1))
    assert not may_go_on(suite, found(0, 1, 2)), "as many as an interval takes"
    assert not may_go_on(suite, CellResult()), "nothing was measured"
    assert not may_go_on(suite_of("a", is_fixed=True), found(0)), "somebody said how many"
    assert not may_go_on(suite_of("a", seconds=None), found(0))
    assert starts_of([rate(0).model_copy(update={"settings": {"kind": "chat"}})]) is None


def test_the_poorest_cells_get_what_is_left_as_far_as_it_goes() -> None:
    suite = suite_of("a", "b", "c", "d")
    cells = {"a": found(0), "b": found(0, 1), "c": found(0), "d": found(0, 1, 2)}
    spent = Spent(turns={f"{cell} {RATES}": 40.0 for cell in "abd"} | {f"c {RATES}": 60.0})
    assert choose(suite, cells, spent, left=ROOM + 39) == {}
    assert choose(suite, cells, spent, left=ROOM + 45) == rates("a")
    assert choose(suite, cells, spent, left=ROOM + 80) == rates("a", "b"), "c does not fit beside a"
    assert choose(suite, cells, spent, left=ROOM + 100) == rates("a", "c")
    assert choose(suite, cells, spent, left=ROOM + 140) == rates("a", "b", "c")
    assert choose(suite, cells, Spent(), left=1000) == {}, "nobody knows how long a start takes"


def test_a_second_round_measures_rates_alone_and_keeps_the_other_tests() -> None:
    second = second_suite(suite_of("a", "b"), {"b": frozenset({RATES})}, began=290.0)
    assert [one.cell for one in second.subjects] == ["b"]
    assert list(shares_of(second)) == [f"b {RATES}"]
    smoke = TestResult(name="test_smoke.py::test_x", probe="smoke", verdict=Verdict.PASSED, seconds=1)
    rates = TestResult(name="test_throughput.py::test_rates", probe="throughput", verdict=Verdict.PASSED, seconds=9)
    first = CellResult(tests=[smoke, rates], measurements=[rate(0)])
    again = CellResult(tests=[rates.model_copy(update={"seconds": 20})], measurements=[rate(0, 1)])
    joined = together(first, again)
    assert [test.seconds for test in joined.tests] == [1, 20]
    assert [len(one.samples) for one in joined.measurements] == [2]
    broken = CellResult(tests=[rates.model_copy(update={"verdict": Verdict.ERRORED})])
    assert together(first, broken) is first, "what was measured before does not get lost"


# ---------------------------------------------------------------------------------------------- a whole run


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Slow:
    """Rates of a cell on a busy machine: each start takes as long as the last."""

    clock: Clock
    seconds: float
    samples: Samples = field(default_factory=Samples)

    def take(self, number: int) -> None:
        self.clock.now += self.seconds
        self.samples.add("tg128", "decode_rate", Sample(start=number, repetition=0, value=100.0 * (1 + number / 5)))

    def measurements(self) -> list[Measurement]:
        return self.samples.measurements({"decode_rate": "tokens/s"}, {})


def attempt(suite: Suite, folder: Path, clock: Clock, kept: dict[str, Samples], seconds: dict[str, float]) -> None:
    """What fixtures and tests do, cell by cell: other tests, rates, and loads that find no time."""
    shares = shares_of(suite)
    budget = Budget(folder / FILE, shares=shares, seconds=suite.measure_for, began=suite.began, clock=clock)
    for one in suite.subjects:
        clock.now += 10.0 if f"{one.cell} loads" in shares else 2.0
        name = f"{one.cell} {RATES}"
        left, latest = budget.begin(name), clock.now
        series = Slow(clock=clock, seconds=seconds[one.cell], samples=kept[one.cell])

        def ended(_: object, name: str = name) -> None:
            nonlocal latest
            budget.note(name, clock.now - latest)
            latest = clock.now

        turns = Turns(wanted=3, most=12, left=left, expected=[budget.longest(name)])
        take([[series]], turns=turns, ended=ended, clock=clock)
        budget.end(name)
        if f"{one.cell} loads" in shares:
            budget.end(f"{one.cell} loads")


@pytest.mark.parametrize(
    ("seconds", "before", "after"),
    [
        ({"a": 60, "b": 60}, [1, 2], [2, 2]),
        ({"a": 40, "b": 40, "c": 40}, [1, 1, 3], [2, 1, 3]),
        ({"a": 10, "b": 10, "c": 10, "d": 10}, [4, 4, 6, 6], [4, 4, 6, 6]),
        ({"a": 200, "b": 200}, [1, 1], [1, 1]),
    ],
)
def test_time_that_loads_leave_gives_earlier_cells_another_start(
    tmp_path: Path, seconds: dict[str, float], before: list[int], after: list[int]
) -> None:
    clock, suite = Clock(), suite_of(*seconds)
    kept = {cell: Samples() for cell in seconds}
    attempt(suite, tmp_path, clock, kept, seconds)
    starts = [one.starts for one in kept.values()]
    cells = {
        cell: CellResult(measurements=samples.measurements({"decode_rate": "tokens/s"}, {}))
        for cell, samples in kept.items()
    }
    clock.now += 5.0
    spent = end_attempt(tmp_path, began=0.0, now=clock.now)
    chosen = choose(suite, cells, spent, left=LIMIT - clock.now)
    ended = clock.now
    begin_attempt(tmp_path)
    attempt(second_suite(suite, chosen, began=clock.now), tmp_path, clock, kept, seconds)
    assert starts == before
    assert [one.starts for one in kept.values()] == after
    assert clock.now <= max(LIMIT, ended), "what was said is kept to"
    assert read(tmp_path / FILE).turns
