from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.measure.loadgen import replies
from bakehouse.measure.loadgen.exchange import Exchange
from bakehouse.measure.loadgen.replies import Failure, Reply
from bakehouse.measure.loadgen.sse import complete
from tests.unit.measure.answers import CLOSED, HEAD, cut, framed


def said(message: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(message, ensure_ascii=False).encode() + b"\n\n"


def exchange(*reads: bytes, broken: str = "") -> Exchange:
    """Bytes that came at 1, 2, 3, ... seconds after a request at 0.5."""
    return Exchange(due=0.5, sent=0.5, reads=[(float(at), data) for at, data in enumerate(reads, 1)], broken=broken)


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=5),
    head=st.sampled_from([HEAD, CLOSED]),
    places=st.lists(st.integers(0, 900), max_size=12),
)
def test_the_same_answer_is_read_wherever_the_network_cuts_it(texts: list[str], head: bytes, places: list[int]) -> None:
    parts = [said({"choices": [{"delta": {"content": text}, "finish_reason": None}]}) for text in texts]
    parts += [said({"choices": [], "usage": {"completion_tokens": len(texts)}}), b"data: [DONE]\n\n"]
    content = head + (b"".join(framed(part) for part in parts) + b"0\r\n\r\n" if head == HEAD else b"".join(parts))
    reply = replies.read(exchange(*cut(content, places)))
    assert isinstance(reply, Reply)
    assert (reply.text, reply.chunks, reply.usage) == ("".join(texts), len(texts), {"completion_tokens": len(texts)})
    assert list(reply.stamps) == sorted(reply.stamps)


@given(noise=st.binary(max_size=200), head=st.sampled_from([b"", HEAD, CLOSED]), places=st.lists(st.integers(0, 300)))
@settings(max_examples=60)
def test_noise_is_a_failure_in_words_and_never_an_error(noise: bytes, head: bytes, places: list[int]) -> None:
    found = replies.read(exchange(*cut(head + noise, places)))
    if isinstance(found, Failure):
        assert found.reason
    complete([(1.0, head + noise)])


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
    found = replies.read(exchange(CLOSED + b"data: %b\n\n" % json.dumps(message).encode()))
    assert isinstance(found, Reply) or found.reason


def test_times_of_an_answer() -> None:
    reply = replies.read(
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
    found = replies.read(exchange(*reads, broken=broken))
    assert isinstance(found, Failure)
    assert re.search(reason, found.reason)


def test_an_answer_that_was_finished_counts_although_the_connection_broke_later() -> None:
    found = replies.read(exchange(CLOSED + said({"content": "a", "stop": True}), broken="reset"))
    assert isinstance(found, Reply)
