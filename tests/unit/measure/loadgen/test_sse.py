from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.measure.loadgen.sse import complete, events
from tests.unit.measure.answers import HEAD, cut, framed

LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1)


def read(*chunks: bytes) -> list[str]:
    return [event.data for event in events((float(index), chunk) for index, chunk in enumerate(chunks))]


def test_events_know_when_the_bytes_that_completed_them_came() -> None:
    found = list(events([(1.0, b"data: a\n"), (2.0, b"\ndata: b\n\n"), (3.0, b"data: c\n\n")]))
    assert [(event.at, event.data) for event in found] == [(2.0, "a"), (2.0, "b"), (3.0, "c")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b": keep-alive\n\ndata: a\n\n", ["a"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"data: a\n", ["a"]),
        (b"data:a\n\n", ["a"]),
        (b"\n\n\n", []),
        (b"id: 7\nretry: 10\ndata: a\n\n", ["a"]),
    ],
    ids=["comment", "crlf", "lines", "no last blank line", "no space", "empty", "other fields"],
)
def test_events_reads_streams_as_they_are_in_the_wild(content: bytes, expected: list[str]) -> None:
    assert read(content) == expected


@given(
    parts=st.lists(
        st.one_of(
            LINE.map(lambda text: [f"data: {text}"]),
            LINE.map(lambda text: [f": {text}"]),
            LINE.map(lambda text: ["event: error", f"data: {text}"]),
            st.lists(LINE, min_size=2, max_size=3).map(lambda texts: [f"data: {text}" for text in texts]),
        ),
        max_size=5,
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    places=st.lists(st.integers(0, 300), max_size=10),
)
def test_the_same_bytes_are_the_same_events_wherever_the_network_cuts_them(
    parts: list[list[str]], end: str, places: list[int]
) -> None:
    content = "".join(end.join(lines) + end + end for lines in parts).encode()
    whole = [(event.data, event.kind) for event in events([(0.0, content)])]
    pieces = cut(content, places)
    assert [(event.data, event.kind) for event in events((0.0, piece) for piece in pieces)] == whole
    # One at a time is how nearly all servers send them, and has a way of its own through the reader.
    by_event = [(end.join(lines) + end + end).encode() for lines in parts]
    assert [(event.data, event.kind) for event in events((0.0, piece) for piece in by_event)] == whole
    assert len(whole) == sum(any(line.startswith("data") for line in lines) for lines in parts)


@pytest.mark.parametrize(
    ("content", "is_complete"),
    [
        (HEAD + framed(b"data: a\n\n"), False),
        (HEAD + framed(b"data: a\n\n") + b"0\r\n\r\n", True),
        (HEAD + framed(b"data: 0\r\n\r\n"), False),
        (HEAD + framed(b"data: [DONE]\n\n"), True),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n{}", True),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\n{}", False),
        (b"no http", True),
    ],
    ids=["open", "last chunk", "looks like the last chunk", "done", "whole", "not whole", "no http"],
)
def test_complete_looks_at_what_was_said_and_not_at_the_connection(content: bytes, is_complete: bool) -> None:
    assert complete([(1.0, content)]) is is_complete
