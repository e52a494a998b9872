from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bakehouse.model.report import Sample
from bakehouse.probes.series import Samples
from bakehouse.suite.sample_log import SampleLog

SERIES: dict[str, Any] = {"cell": "a", "side": "candidate", "image": "sha256:1", "name": "rates", "settings": {"t": 2}}


def samples(folder: Path, worker: str = "gw0", **changes: Any) -> Samples:
    return SampleLog(folder, worker).samples(**(SERIES | changes))


def write(folder: Path) -> None:
    taken = samples(folder)
    taken.add("tg", "decode_rate", Sample(start=0, repetition=0, value=1.5))
    taken.end_start(0)
    taken.add("tg", "decode_rate", Sample(start=1, repetition=0, value=2.5, raw={"timings": {"predicted_n": 3}}))


def test_another_worker_of_the_same_run_goes_on_with_what_was_written(tmp_path: Path) -> None:
    write(tmp_path)
    found = samples(tmp_path, "gw1")
    assert found.starts == 1
    assert found.next_start == 2
    assert [one.value for one in found.by_metric["tg", "decode_rate"]] == [1.5, 2.5]
    assert found.by_metric["tg", "decode_rate"][1].raw == {"timings": {"predicted_n": 3}}


def test_going_on_writes_nothing_twice(tmp_path: Path) -> None:
    write(tmp_path)
    samples(tmp_path, "gw1").add("tg", "decode_rate", Sample(start=2, repetition=0, value=3.5))
    assert [one.value for one in samples(tmp_path).by_metric["tg", "decode_rate"]] == [1.5, 2.5, 3.5]


@pytest.mark.parametrize(
    "changes",
    [{"image": "sha256:2"}, {"side": "baseline"}, {"cell": "b"}, {"name": "sweep"}, {"settings": {"t": 1}}],
    ids=lambda changes: next(iter(changes)),
)
def test_what_was_taken_of_something_else_is_left_alone(tmp_path: Path, changes: dict[str, Any]) -> None:
    write(tmp_path)
    found = samples(tmp_path, **changes)
    assert (found.starts, found.by_metric) == (0, {})


def test_a_torn_line_costs_itself_only(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "notebook" / "gw0.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    again = samples(tmp_path)
    assert [one.value for one in again.by_metric["tg", "decode_rate"]] == [1.5]
    again.add("tg", "decode_rate", Sample(start=1, repetition=0, value=4.5))
    assert [one.value for one in samples(tmp_path).by_metric["tg", "decode_rate"]] == [1.5, 4.5]
