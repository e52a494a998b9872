from __future__ import annotations

import json

import pytest

from bakehouse.measure.loadgen.client import RequestFailedError, answer, chat, complete, unstreamed, vocabulary_size
from bakehouse.measure.loadgen.workloads import Request
from tests.doubles.fake_server import Behaviour, fake_server

REQUEST = Request(prompt=(5, 6, 7), output_tokens=4)
LAST = b'data: {"content":"","stop":true,"timings":{"prompt_n":3,"predicted_n":4}}\n\n'


def token(text: str) -> bytes:
    return f"data: {json.dumps({'content': text, 'tokens': [1], 'stop': False})}\n\n".encode()


def test_complete_asks_for_exactly_what_is_measured() -> None:
    behaviour = Behaviour()
    with fake_server(behaviour) as url:
        reply = complete(url, REQUEST)
    assert behaviour.requests == [
        {
            "prompt": [5, 6, 7],
            "n_predict": 4,
            "stream": True,
            "cache_prompt": False,
            "ignore_eos": True,
            "temperature": 0,
            "seed": 1,
        }
    ]
    assert (reply.text, reply.chunks) == ("xxxx", 4)
    assert reply.first is not None
    assert reply.sent < reply.first <= reply.ended
    assert reply.timings is not None
    assert reply.timings["prompt_n"] == 3


def test_the_first_token_may_hide_in_the_last_chunk_when_its_character_is_not_finished() -> None:
    with fake_server(Behaviour(events=[0.01, LAST])) as url:
        reply = complete(url, REQUEST)
    assert (reply.chunks, reply.text) == (0, "")
    assert reply.first == reply.ended


def test_chat_does_not_take_a_role_for_content() -> None:
    stream: list[bytes | float] = [
        b'data: {"choices":[{"delta":{"role":"assistant","content":null},"finish_reason":null}]}\n\n',
        b": still here\n\n",
        0.02,
        b'data: {"choices":[{"delta":{"reasoning_content":"hm"},"finish_reason":null}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n',
        b'data: {"choices":[],"usage":{"completion_tokens":2}}\n\n',
        b"data: [DONE]\n\n",
    ]
    with fake_server(Behaviour(events=stream)) as url:
        reply = chat(url, [{"role": "user", "content": "Hi"}], output_tokens=2)
    assert (reply.text, reply.chunks) == ("hmHi", 2)
    assert reply.first is not None
    assert reply.first - reply.sent >= 0.02


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (Behaviour(status=500), "HTTP 500: out of patience"),
        (
            Behaviour(events=[token("a"), b'data: {"error":{"message":"kv cache full"}}\n\n']),
            "broke off: kv cache full",
        ),
        (Behaviour(events=[b'event: error\ndata: {"message":"gone"}\n\n']), "broke off: gone"),
        (Behaviour(events=[token("a"), token("b")]), "ended after 2 chunks without saying that it was finished"),
        (Behaviour(events=[b"data: {half\n\n"]), "no JSON: {half"),
        (Behaviour(events=[b"data: 7\n\n"]), "something unexpected: 7"),
    ],
    ids=["http 500", "error in the stream", "error event", "cut off", "no json", "no object"],
)
def test_complete_says_how_a_request_failed(behaviour: Behaviour, message: str) -> None:
    with fake_server(behaviour) as url, pytest.raises(RequestFailedError, match=message):
        complete(url, REQUEST)


def test_complete_does_not_wait_for_a_server_that_hangs() -> None:
    behaviour = Behaviour(events=[token("a"), 0.5, LAST])
    with fake_server(behaviour) as url, pytest.raises(RequestFailedError, match=r"sent nothing for 0\.2 s"):
        complete(url, REQUEST, stall=0.2)


def test_complete_says_that_nobody_answers() -> None:
    with pytest.raises(RequestFailedError, match="the connection broke"):
        complete("http://127.0.0.1:9", REQUEST)


def test_the_same_in_one_piece_has_the_servers_timings_and_no_first_token() -> None:
    behaviour = Behaviour(predicted_ms=30.0)
    with fake_server(behaviour) as url:
        reply = unstreamed(url, REQUEST)
    (asked,) = behaviour.requests
    assert asked == REQUEST.body() | {"stream": False}
    assert reply.timings
    assert (reply.timings["predicted_n"], reply.timings["predicted_ms"], reply.first) == (4, 30.0, None)
    assert reply.sent <= reply.ended


@pytest.mark.parametrize("behaviour", [Behaviour(status=500), Behaviour(timings=lambda _: None)], ids=["500", "silent"])
def test_an_answer_in_one_piece_can_go_wrong(behaviour: Behaviour) -> None:
    with fake_server(behaviour) as url:
        if behaviour.status == 200:
            assert unstreamed(url, REQUEST).timings is None
        else:
            with pytest.raises(RequestFailedError, match="HTTP 500: out of patience"):
                unstreamed(url, REQUEST)


def test_answer_and_vocabulary() -> None:
    with fake_server(Behaviour(content=" Paris.", vocabulary=49152)) as url:
        assert answer(url, "The capital of France is", output_tokens=4) == " Paris."
        assert vocabulary_size(url) == 49152


def test_vocabulary_that_the_server_does_not_tell() -> None:
    with fake_server(Behaviour(vocabulary=None)) as url, pytest.raises(RequestFailedError, match="n_vocab"):
        vocabulary_size(url)
