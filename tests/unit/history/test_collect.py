from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from bakehouse.history.collect import Collected, Key, collect, files, keep
from bakehouse.history.journal import append
from bakehouse.model.enums import Grade
from bakehouse.model.history import Value

from .samples import CELL, TERMS, collected, name, night_of, row, void

KEY = Key(CELL, "tg128", "decode_rate")


def test_rows_come_back_as_runs(tmp_path: Path) -> None:
    keep(tmp_path, [*night_of(1), *night_of(0), *night_of(40)])
    assert [path.name for path in files(tmp_path)] == ["2026-03.jsonl", "2026-04.jsonl"]
    found = collect(tmp_path)
    runs = list(found.sides(KEY))
    assert [run.name for run, _, _ in runs] == [name(0), name(1), name(40)]
    assert [[len(start) for start in side.starts] for _, _, side in runs] == [[5, 5, 5]] * 3
    assert runs[0][1] == TERMS
    assert len(found.terms) == 1


def test_rows_that_stand_there_twice_count_once() -> None:
    """Both branches had them before they were merged, and the order is lost."""
    rows = [*night_of(0), *night_of(1)]
    assert list(collected(rows).sides(KEY)) == list(collected([*rows[::-1], *rows[:7]]).sides(KEY))


def test_void_samples_are_counted_apart() -> None:
    found = collected([row(), row(repetition=1, values=void("busy"))])
    ((_, _, side),) = found.sides(KEY)
    assert (side.starts, side.void, side.reason) == (((100.0,),), 1, "busy")


def test_only_what_is_asked_for_is_kept(tmp_path: Path) -> None:
    keep(tmp_path, [row(), row(workload="pp512"), row(cell="other")])
    assert set(collect(tmp_path, cells=[CELL], workloads=["tg128"]).columns) == {KEY}
    assert set(collect(tmp_path, cells=["missing"]).columns) == set()
    assert collect(tmp_path / "nothing").columns == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": 3}, "no attribute"),
        ({"values": {"decode_rate": {"value": -1}}}, "a value is -1"),
        ({"values": {"decode_rate": {"value": "fast"}}}, "a value is 'fast'"),
        ({"start": "0"}, "not what they should be"),
        ({"run": "x", "time": "yesterday"}, "isoformat"),
        ({"terms": {"client": "x"}}, "Field required"),
        ({"terms": None}, "terms are not"),
        ({"run": None}, "None is no text"),
    ],
)
def test_a_line_that_is_no_row_is_explained(tmp_path: Path, change: dict[str, object], words: str) -> None:
    keep(tmp_path, [row()])
    bad = Collected()
    record = row(repetition=1).model_dump(mode="json") | change
    with pytest.raises((ValueError, AttributeError)):
        bad.add(record)
    assert bad.columns == {}
    (path,) = files(tmp_path)
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")
    append(path, [row(repetition=2)])
    found = collect(tmp_path)
    ((_, _, side),) = found.sides(KEY)
    assert side.counted == 2
    (problem,) = found.problems.shown
    assert problem.line == 2
    assert words in problem.message
    assert str(problem).startswith(f"{path}:2: is no row (")


def test_a_metric_of_a_newer_bakehouse_is_just_one_more() -> None:
    record = row().model_dump(mode="json")
    record["values"]["joules_per_token"] = {"value": 1.5, "unit": "joules"}
    found = Collected()
    found.add(record)
    assert {key.metric for key in found.columns} == {"decode_rate", "joules_per_token"}


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """What is kept is 28 bytes a sample; the text of a line is a hundred times that."""
    rows = [row(night=night, raw={"timings": "x" * 2000}) for night in range(2)]
    lines = b"".join(one.model_dump_json(exclude_defaults=True).encode() + b"\n" for one in rows)
    path = tmp_path / CELL / "2026-03.jsonl"
    path.parent.mkdir()
    path.write_bytes(lines * 2000)
    collect(tmp_path)  # what is imported and compiled at the first use does not count
    tracemalloc.start()
    found = collect(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.columns[KEY].values) == 4000
    assert path.stat().st_size > 8_000_000
    assert peak < 500_000


def graded(value: float, grade: Grade, **changes: float) -> dict[str, Value]:
    reason = "" if grade is Grade.EXACT else "4 of 5 samples: other processes used 60% of this machine's CPU"
    return {"decode_rate": Value(value=value, unit="tokens/s", grade=grade, reason=reason, **changes)}


def test_noisy_values_are_used_only_where_there_is_nothing_exact() -> None:
    rows = [row(start=0, values=graded(100, Grade.EXACT)), row(start=1, values=graded(60, Grade.NOISY))]
    ((_, _, side),) = collected(rows).sides(KEY)
    assert (side.starts, side.noisy) == (((100.0,),), "")
    only = [row(start=n, values=graded(60 + n, Grade.NOISY, low=20, high=80)) for n in range(2)]
    ((_, _, side),) = collected(only).sides(KEY)
    assert (side.starts, side.low, side.high) == (((60.0,), (61.0,)), 20, 80)
    assert side.noisy.startswith("4 of 5 samples")


def test_rows_from_before_there_were_grades_are_exact_or_void() -> None:
    rows = [row(start=0), row(start=1, values=void())]
    ((_, _, side),) = collected(rows).sides(KEY)
    assert (side.counted, side.void, side.noisy) == (1, 1, "")


def test_a_right_value_of_a_void_measurement_is_void() -> None:
    ((_, _, side),) = collected([row(values=graded(100, Grade.VOID))]).sides(KEY)
    assert (side.counted, side.void) == (0, 1)
