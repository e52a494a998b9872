from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bakehouse.bake.events import BuildState, Reader

EVENTS: list[dict[str, Any]] = [
    {
        "vertexes": [
            {"digest": "sha256:1", "name": "[cell-a host 1/1] RUN cmake", "started": "2026-10-01T00:00:00.123456789Z"}
        ]
    },
    {"vertexes": [{"digest": "sha256:2", "name": "[cell-b host 1/1] RUN cmake"}]},
    {"logs": [{"vertex": "sha256:1", "stream": 1, "data": base64.b64encode("[7/9] Bäume".encode()[:9]).decode()}]},
    {"logs": [{"vertex": "sha256:1", "stream": 1, "data": base64.b64encode("[7/9] Bäume\n".encode()[9:]).decode()}]},
    {
        "vertexes": [
            {
                "digest": "sha256:1",
                "name": "[cell-a host 1/1] RUN cmake",
                "started": "2026-10-01T00:00:00.123456789Z",
                "completed": "2026-10-01T00:00:02.123456789Z",
            }
        ]
    },
]
STREAM = "".join(json.dumps(event, indent=2) + "\n" for event in EVENTS).encode() + b"ERROR: target cell-a: failed\n"


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=12))
def test_any_split_of_the_stream_gives_the_same_events(cuts: list[int]) -> None:
    reader = Reader()
    found: list[dict[str, Any]] = []
    ends = [*sorted(set(cuts)), len(STREAM)]
    for start, end in zip([0, *ends], ends, strict=False):
        found += reader.feed(STREAM[start:end])
    reader.finish()
    assert found == EVENTS
    assert reader.error() == "target cell-a: failed"


def state() -> BuildState:
    built = BuildState(("cell-a", "cell-b"))
    for event in EVENTS:
        built.apply(event)
    return built


def test_a_silent_twin_is_shown_as_the_step_that_ran() -> None:
    for target in ("cell-a", "cell-b"):
        (vertex,) = state().of(target)
        assert vertex.seconds == 2.0
        assert vertex.name == "[host 1/1] RUN cmake"
        assert vertex.stage == "host"


def test_compile_progress_is_read_from_the_log() -> None:
    (vertex,) = state().of("cell-a")
    assert vertex.counter == (7, 9)
    assert vertex.tail == ["[7/9] Bäume"]


def test_with_one_target_the_name_carries_none() -> None:
    single = BuildState(("only",))
    single.apply({"vertexes": [{"digest": "sha256:1", "name": "[image 2/4] COPY x", "cached": True}]})
    (vertex,) = single.of("only")
    assert (vertex.stage, vertex.cached) == ("image", True)


def test_what_is_no_event_is_ignored() -> None:
    built = BuildState(("a", "b"))
    assert built.apply({"warnings": [{}], "statuses": None}) == ([], [])
    assert built.apply({"logs": [{"vertex": "sha256:9", "data": "!"}]}) == ([], [])
