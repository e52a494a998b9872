from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.model.report import Step
from bakehouse.reporters.html.timeline import rows, shorten, split, timeline

ZERO = datetime(2026, 11, 21, tzinfo=UTC)


def step(name: str, start: float, end: float, *, cached: bool = False, error: str = "") -> Step:
    return Step(
        name=name,
        started=ZERO + timedelta(seconds=start),
        completed=ZERO + timedelta(seconds=end),
        cached=cached,
        error=error,
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("[host 3/7] RUN cmake", ("host", "RUN cmake")),
        ("[my_cell host 3/7] RUN cmake", ("host", "RUN cmake")),
        ("[linux/amd64 host 3/7] RUN cmake", ("host", "RUN cmake")),
        ("[internal] load build definition", ("internal", "load build definition")),
        ("[stage-2 1/9] WORKDIR /", ("stage-2", "WORKDIR /")),
        ("exporting to image", ("engine", "exporting to image")),
        ("[my_cell 1/2] RUN x", ("stage", "RUN x")),
        ("[]", ("stage", "[]")),
    ],
)
def test_split(name: str, expected: tuple[str, str]) -> None:
    assert split(name, target="my_cell") == expected


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("RUN --mount=type=cache,target=/c --mount=type=secret,id=ca cmake", "RUN cmake"),
        ("RUN /bin/sh -c apt-get update", "RUN apt-get update"),
        ("COPY a  b", "COPY a b"),
    ],
)
def test_shorten(what: str, expected: str) -> None:
    assert shorten(what) == expected


def test_bars_lie_where_their_time_is() -> None:
    drawn = timeline([step("[a 1/2] RUN x", 0, 25), step("[a 2/2] RUN y", 25, 100)], target="t")
    assert drawn
    (stage,) = drawn.stages
    assert [(bar.x, bar.width, bar.label) for bar in stage.bars] == [(0, 25, "RUN x"), (25, 75, "RUN y")]
    assert len({bar.y for bar in stage.bars}) == 1


def test_steps_that_overlap_take_two_lanes() -> None:
    drawn = timeline([step("[a] x", 0, 60), step("[a] y", 30, 100)], target="t")
    assert drawn
    assert len({bar.y for bar in drawn.stages[0].bars}) == 2


def test_a_stage_from_the_cache_is_a_line_of_words() -> None:
    drawn = timeline([step("[a] x", 0, 0, cached=True), step("[b] y", 0, 10)], target="t")
    assert drawn
    assert (drawn.stages[0].note, drawn.stages[0].bars) == ("1 step from the cache", ())
    assert not drawn.shows_cached


def test_a_failed_step_shows() -> None:
    drawn = timeline([step("[a] x", 0, 10, error="exit code 1")], target="t")
    assert drawn
    assert drawn.shows_failed
    assert "exit code 1" in drawn.stages[0].bars[0].title


def test_without_times_there_is_nothing_to_draw() -> None:
    steps = [Step(name="[a] x"), Step(name="[a] y", started=ZERO)]
    assert timeline(steps, target="t") is None
    assert [row.ran for row in rows(steps, target="t")] == [False, False]


times = st.floats(min_value=0, max_value=1e5, allow_nan=False)


@given(st.lists(st.tuples(st.sampled_from("abc"), times, times, st.booleans()), min_size=1, max_size=20))
def test_no_bar_leaves_the_drawing(found: list[tuple[str, float, float, bool]]) -> None:
    drawn = timeline(
        [step(f"[{stage}] x", start, end, cached=cached) for stage, start, end, cached in found], target="t"
    )
    assert drawn
    assert len(drawn.ticks) <= 5
    for stage in drawn.stages:
        for bar in stage.bars:
            assert bar.x >= 0
            assert bar.width > 0
            assert bar.x + bar.width <= 100.001
            assert stage.y < bar.y < drawn.height


def test_times_with_and_without_a_zone() -> None:
    mixed = [step("[a] x", 0, 10), Step(name="[a] y", started=datetime(2026, 11, 21), completed=None)]  # noqa: DTZ001
    assert timeline(mixed, target="t")
    assert len(rows(mixed, target="t")) == 2
