from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.measure import stream
from bakehouse.measure.stream import Failure, Reply, events
from bakehouse.measure.wire import Exchange

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CLOSED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1)


def read(*chunks: bytes) -> list[str]:
    return [event.data for event in events((float(index), chunk) for index, chunk in enumerate(chunks))]


def said(message: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(message, ensure_ascii=False).encode() + b"\n\n"


def framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def exchange(*reads: bytes, broken: str = "") -> Exchange:
    """Bytes that came at 1, 2, 3, ... seconds after a request at 0.5."""
    return Exchange(due=0.5, sent=0.5, reads=[(float(at), data) for at, data in enumerate(reads, 1)], broken=broken)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(ends)]


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


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=5),
    head=st.sampled_from([HEAD, CLOSED]),
    places=st.lists(st.integers(0, 900), max_size=12),
)
def test_the_same_answer_is_read_wherever_the_network_cuts_it(texts: list[str], head: bytes, places: list[int]) -> None:
    parts = [said({"choices": [{"delta": {"content": text}, "finish_reason": None}]}) for text in texts]
    parts += [said({"choices": [], "usage": {"completion_tokens": len(texts)}}), b"data: [DONE]\n\n"]
    content = head + (b"".join(framed(part) for part in parts) + b"0\r\n\r\n" if head == HEAD else b"".join(parts))
    reply = stream.read(exchange(*cut(content, places)))
    assert isinstance(reply, Reply)
    assert (reply.text, reply.chunks, reply.usage) == ("".join(texts), len(texts), {"completion_tokens": len(texts)})
    assert list(reply.stamps) == sorted(reply.stamps)


@given(noise=st.binary(max_size=200), head=st.sampled_from([b"", HEAD, CLOSED]), places=st.lists(st.integers(0, 300)))
@settings(max_examples=60)
def test_noise_is_a_failure_in_words_and_never_an_error(noise: bytes, head: bytes, places: list[int]) -> None:
    found = stream.read(exchange(*cut(head + noise, places)))
    if isinstance(found, Failure):
        assert found.reason
    stream.complete([(1.0, head + noise)])


@given(
    message=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["choices", "delta", "content", "timings", "usage", "error", "text", "stop"]), inner
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=60)
def test_json_of_any_shape_is_a_failure_in_words_and_never_an_error(message: Any) -> None:
    found = stream.read(exchange(CLOSED + b"data: %b\n\n" % json.dumps(message).encode()))
    assert isinstance(found, Reply) or found.reason


def test_times_of_an_answer() -> None:
    reply = stream.read(
        exchange(
            HEAD + framed(said({"choices": [{"delta": {"role": "assistant", "content": None}}]})),
            framed(b": keep-alive\n\n"),
            framed(said({"choices": [{"delta": {"reasoning": "hm"}}]})),
            framed(said({"choices": [{"delta": {"content": "Hi"}}]})),
            framed(said({"choices": [{"delta": {}, "finish_reason": "stop"}]})),
            framed(said({"choices": [], "usage": {"completion_tokens": 2}})),
            framed(b"data: [DONE]\n\n") + b"0\r\n\r\n",
        )
    )
    assert isinstance(reply, Reply)
    assert (reply.first, reply.ended, reply.stamps) == (3.0, 5.0, (3.0, 4.0))
    assert reply.text == "hmHi"


@pytest.mark.parametrize(
    ("reads", "broken", "reason"),
    [
        ([], "the server sent nothing for 5 s", "the server sent nothing for 5 s"),
        ([HEAD], "", "the stream ended after 0 chunks without saying that it was finished"),
        ([b"HTTP/1.1 101 Go\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"], "", "HTTP 101"),
        ([b"SSH-2.0-OpenSSH\r\n"], "", r"the answer is no HTTP \(.*\): SSH-2.0"),
        ([b"HTTP/1.1 204 None\r\n\r\n"], "", r"HTTP 204: \(empty\)"),
        (
            [b"HTTP/1.1 502 Bad\r\nContent-Length: 9\r\n\r\n", b"<html>oh!"],
            "",
            "HTTP 502: <html>oh!",
        ),
        (
            [b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"content":"all at once"}'],
            "",
            'it did not stream its answer: {"content":"all at once"}',
        ),
        (
            [b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"error":"no such model"}'],
            "",
            "the server broke off: no such model",
        ),
        (
            [CLOSED + said({"content": "a"})],
            "the connection broke: the server reset it",
            r"the server reset it \(after 1 chunks\)",
        ),
    ],
    ids=["nothing", "head only", "upgrade", "no http", "empty", "html", "json", "error as json", "reset"],
)
def test_what_is_said_of_answers_that_are_none(reads: list[bytes], broken: str, reason: str) -> None:
    found = stream.read(exchange(*reads, broken=broken))
    assert isinstance(found, Failure)
    assert re.search(reason, found.reason)


def test_an_answer_that_was_finished_counts_although_the_connection_broke_later() -> None:
    found = stream.read(exchange(CLOSED + said({"content": "a", "stop": True}), broken="reset"))
    assert isinstance(found, Reply)


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
    assert stream.complete([(1.0, content)]) is is_complete
