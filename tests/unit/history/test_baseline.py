from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bakehouse.history.baseline import Compared, compare, read_decisions
from bakehouse.history.journal import Problems, append
from bakehouse.model.enums import Change, Grade
from bakehouse.model.history import HISTORY_SCHEMA, Decision, Row, Value

from .samples import BEGAN, CELL, HARDWARE, TERMS, collected, name, night_of, row, void

OTHER_CPU = TERMS.model_copy(update={"hardware": HARDWARE.model_copy(update={"cpu": "Intel Xeon"})})
OTHER_MODEL = TERMS.model_copy(update={"settings": TERMS.settings | {"model_sha256": "b" * 64}})


def nights(*levels: tuple[int, float], **changes: Any) -> list[Row]:
    """So many nights at each level, one after the other."""
    rows: list[Row] = []
    for count, level in levels:
        first = len({one.run for one in rows})
        rows += [each for night in range(first, first + count) for each in night_of(night, level, **changes)]
    return rows


def decide(kind: Any, run: str = "") -> Decision:
    return Decision(schema_version=HISTORY_SCHEMA, kind=kind, cell=CELL, run=run, time=BEGAN)


def tonight(history: list[Row], level: float, *decisions: Decision, **changes: Any) -> Compared:
    candidate = night_of(100, level, starts=7, **changes)
    (found,) = compare(collected(candidate), collected(history), run=name(100), decisions=decisions)
    return found


def test_a_slowdown_of_tonight_is_found_and_the_same_image_is_not() -> None:
    history = nights((20, 100))
    assert tonight(history, 95).judged.verdict is Change.REGRESS
    assert tonight(history, 100).judged.verdict is Change.PASS
    assert tonight(history, 106).judged.verdict is Change.IMPROVE


def test_the_baseline_is_the_newest_runs_of_the_last_level() -> None:
    found = tonight(nights((20, 100), (12, 110)), 110)
    assert found.judged.verdict is Change.PASS
    assert [one.run.name for one in found.baseline.runs] == [name(night) for night in range(22, 32)]
    assert [level.begin for level in found.baseline.levels] == [0, 20]
    assert found.baseline.mad is not None
    assert len(found.baseline.history) == 32


def test_a_night_of_three_starts_can_show_one_slow_metric_among_many() -> None:
    metrics = [f"metric_{number}" for number in range(50)]

    def with_metrics(rows: list[Row], slow: float) -> list[Row]:
        return [
            one.model_copy(
                update={
                    "values": {
                        metric: value.model_copy(update={"value": value.value * (slow if metric == metrics[0] else 1)})
                        for metric in metrics
                        for value in one.values.values()
                    }
                }
            )
            for one in rows
        ]

    history = collected(with_metrics(nights((12, 100)), 1.0))
    found = compare(collected(with_metrics(night_of(100), 1.2)), history, run=name(100))
    assert [one.judged.verdict for one in found] == [Change.REGRESS, *[Change.PASS] * 49]


def test_a_regression_that_nobody_mends_does_not_become_the_baseline() -> None:
    history = nights((20, 100), (6, 93))
    found = tonight(history, 93)
    assert found.judged.verdict is Change.REGRESS
    (remark,) = found.baseline.remarks
    assert remark.startswith(f"since run {name(20)} it is ")
    assert remark.endswith("% worse, which was not accepted; compared with the level before")
    accepted = tonight(history, 93, decide("accept", name(20)))
    assert accepted.judged.verdict is Change.PASS
    assert accepted.baseline.remarks == ()


def test_a_pinned_run_is_the_baseline_until_it_is_unpinned() -> None:
    history = nights((10, 100), (10, 110))
    pinned = tonight(history, 110, decide("pin", name(3)))
    assert [one.run.name for one in pinned.baseline.runs] == [name(3)]
    assert pinned.baseline.is_pinned
    again = tonight(history, 110, decide("pin", name(3)), decide("unpin"))
    assert not again.baseline.is_pinned


def test_why_there_is_no_baseline() -> None:
    def missing(*rows: Row, decisions: tuple[Decision, ...] = ()) -> str:
        found = tonight(list(rows), 100, *decisions)
        assert found.judged.verdict is Change.INCONCLUSIVE
        return found.judged.reason

    assert missing() == "the history has no earlier run of it"
    assert missing(row(cell="other")) == "the history has no earlier run of it"
    assert missing(row(values=void())) == "of 1 earlier run none is exact"
    assert missing(row(terms=OTHER_CPU), row(night=1, terms=OTHER_CPU), row(night=2, terms=OTHER_MODEL)) == (
        "none of 3 earlier runs can be compared: other CPU model: AMD EPYC and Intel Xeon (2), "
        "other model file: aaaaaaaaaaaa… and bbbbbbbbbbbb…"
    )
    assert missing(row(), decisions=(decide("pin", "lost"),)) == (
        f"run lost, which is pinned, has no tg128 decode_rate of {CELL} in the history"
    )
    assert missing(row(terms=OTHER_CPU), decisions=(decide("pin", name(0)),)) == (
        f"run {name(0)}, which is pinned, cannot be compared: other CPU model: AMD EPYC and Intel Xeon"
    )
    assert missing(row(values=void()), decisions=(decide("pin", name(0)),)).endswith("none of its samples counts")


def test_other_machines_in_the_history_do_not_mix_in() -> None:
    found = tonight([*nights((10, 100)), *nights((10, 50), terms=OTHER_CPU)], 100)
    assert found.judged.verdict is Change.PASS
    assert {one.run.name for one in found.baseline.history} == {name(night) for night in range(10)}


def test_the_run_itself_and_later_ones_are_no_baseline() -> None:
    found = tonight([*night_of(100, 50), *night_of(120, 50)], 100)
    assert found.judged.reason == "the history has no earlier run of it"


def test_void_tonight() -> None:
    candidate = collected([row(night=100, repetition=number, values=void("busy")) for number in range(5)])
    (found,) = compare(candidate, collected(nights((5, 100))), run=name(100))
    assert found.judged.verdict is Change.VOID
    assert found.judged.reason == "5 of 5 samples are void; the last: busy"


def test_noisy_nights_are_no_baseline_and_raise_no_alarm() -> None:
    noisy = {
        "decode_rate": Value(
            value=40.0,
            unit="tokens/s",
            grade=Grade.NOISY,
            reason="9 of 9 samples: other processes used 60%",
            low=20,
            high=90,
        )
    }
    exact = nights((10, 100))
    busy = [row(night=night, start=start, values=noisy) for night in range(10, 20) for start in range(3)]
    assert tonight([*exact, *busy], 100).judged.verdict is Change.PASS
    assert len(tonight([*exact, *busy], 100).baseline.history) == 10
    candidate = [row(night=100, start=start, values=noisy) for start in range(3)]
    (found,) = compare(collected(candidate), collected(exact), run=name(100))
    assert found.judged.verdict is Change.INCONCLUSIVE
    assert "noisy: 9 of 9 samples: other processes used 60%" in found.judged.reason


def answers(night: int, *, tokens: int, rate: float, starts: int = 3) -> list[Row]:
    """Of a length that lasts long enough, and the short ones that were asked for."""
    asked = {"decode_rate": Value(value=rate * 0.9, unit="tokens/s", short=True)}
    short = [row(night=night, start=start, workload="tg8", values=asked) for start in range(starts)]
    return short + night_of(night, rate, starts=starts, workload=f"tg{tokens}")


def test_a_slower_image_which_gets_shorter_answers_is_judged_by_those_that_history_has() -> None:
    history = [each for night in range(10) for each in answers(night, tokens=128, rate=100.0)]
    for tokens, rate, verdict in ((64, 50.0, Change.REGRESS), (256, 200.0, Change.IMPROVE)):
        found = compare(collected(answers(100, tokens=tokens, rate=rate)), collected(history), run=name(100))
        said = {one.judged.workload: one.judged.verdict for one in found}
        assert said == {f"tg{tokens}": Change.INCONCLUSIVE, "tg8": verdict}


def test_a_first_night_has_no_verdict_of_what_is_short() -> None:
    found = compare(collected(answers(100, tokens=64, rate=50.0)), collected([]), run=name(100))
    assert [one.judged.workload for one in found] == ["tg64"]


def test_what_is_short_tonight_gets_no_verdict() -> None:
    """A longer workload was measured in its stead. A night at which it was long enough is judged as before."""
    short = {"decode_rate": Value(value=50.0, unit="tokens/s", short=True)}
    candidate = [row(night=100, start=start, values=short) for start in range(3)]
    assert compare(collected(candidate), collected(nights((10, 100))), run=name(100)) == []
    assert tonight(candidate, 100).judged.verdict is not Change.VOID


def test_another_kernel_is_remarked() -> None:
    theirs = TERMS.model_copy(update={"hardware": HARDWARE.model_copy(update={"kernel": "6.17"})})
    found = tonight(nights((6, 100), terms=theirs), 100)
    assert found.baseline.remarks == ("other kernel: 6.18 and 6.17 (in 6 runs)",)


def test_a_goodput_of_zero_has_no_level_and_is_compared_all_the_same() -> None:
    history = [each for night in range(6) for each in night_of(night, 0.0)]
    assert tonight(history, 0.0).judged.verdict is Change.PASS


def test_decisions_are_lines_too(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    assert read_decisions(tmp_path, Problems()) == []
    later = decide("unpin").model_copy(update={"time": BEGAN + timedelta(hours=1)})
    append(path, [later, decide("pin", name(1))])
    with path.open("a") as file:
        file.write('{"schema_version":1,"kind":"guess","cell":"c","time":"2026-01-01T00:00:00Z"}\n')
    problems = Problems()
    assert [one.kind for one in read_decisions(tmp_path, problems)] == ["pin", "unpin"]
    assert problems.shown[0].line == 3
    assert "is no decision" in problems.shown[0].message


@pytest.mark.parametrize("level", [100.0, 95.0])
def test_order_of_lines_means_nothing(level: float) -> None:
    history = nights((12, 100))
    assert tonight(history, level) == tonight(history[::-1], level)


def test_work_in_other_units_has_a_history_of_its_own() -> None:
    def embeddings(rows: list[Row], level: float, batch: int = 1) -> list[Row]:
        terms = TERMS.model_copy(update={"settings": TERMS.settings | {"task": {"name": "embed"}, "batch": batch}})
        return [
            one.model_copy(
                update={
                    "workload": "embed-b1-1c",
                    "terms": terms,
                    "values": {
                        "work_rate": Value(value=one.values["decode_rate"].value * level, unit="embeddings/s"),
                        "latency": Value(value=1.0, unit="seconds"),
                    },
                }
            )
            for one in rows
        ]

    def beside(history: list[Row], level: float) -> Compared:
        candidate = embeddings(night_of(100, 100, starts=7), level)
        (found,) = compare(collected(candidate), collected(history), run=name(100), decisions=())
        return found

    history = embeddings(nights((20, 100)), 1.0)
    assert beside(history, 0.9).judged.verdict is Change.REGRESS
    assert beside(history, 1.1).judged.verdict is Change.IMPROVE
    assert beside(history, 1.0).judged.metric == "work_rate"
    assert "other batch size: 1 and 8" in beside(embeddings(nights((20, 100)), 1.0, batch=8), 1.0).baseline.missing
