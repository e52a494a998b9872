"""What the load client says of servers that misbehave; the mock server does it in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bakehouse.measure import metrics
from bakehouse.measure.loadgen.client import Failure, Reply, load
from bakehouse.measure.loadgen.workloads import Api, Request
from tests.doubles.mock import Mock, mock_server
from tests.doubles.mock_server import Script

SCRIPTS = {
    "good": Script(ttft=0.01, gaps=(0.002,)),
    "stall": Script(ttft=0.01, gaps=(0.002,), ends_with="stall"),
    "silent": Script(ttft=0.01, gaps=(0.002,), ends_with="stall", ends_after=0),
    "reset": Script(ttft=0.01, gaps=(0.002,), ends_with="reset"),
    "close": Script(ttft=0.01, gaps=(0.002,), ends_with="close"),
    "error": Script(ttft=0.01, gaps=(0.002,), ends_with="error"),
    "error-event": Script(ttft=0.01, gaps=(0.002,), ends_with="error-event"),
    "garbage": Script(ttft=0.01, gaps=(0.002,), ends_with="garbage"),
    "refuse": Script(status=500),
    "at-once": Script(streams=False),
    "short": Script(ttft=0.01, gaps=(0.002,), tokens=5),
    "long": Script(ttft=0.01, gaps=(0.002,), tokens=9),
    "uncounted": Script(ttft=0.01, gaps=(0.002,), usage=False, timings=False),
    "cached": Script(ttft=0.01, gaps=(0.002,), cached=3),
    "open": Script(ttft=0.01, gaps=(0.002,), closes=False),
    "unframed": Script(ttft=0.01, gaps=(0.002,), chunked=False),
    "pieces": Script(ttft=0.01, gaps=(0.004,), text="é🙂 ", segments=5),
    "comments": Script(ttft=0.01, gaps=(0.002,), comments=1),
    "thinks": Script(ttft=0.01, gaps=(0.002,), reasoning="reasoning_content"),
    "several": Script(ttft=0.01, gaps=(0.002,), per_chunk=4),
}
APIS = [Api.COMPLETION, Api.COMPLETIONS, Api.CHAT]


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    with mock_server(SCRIPTS, folder=tmp_path_factory.mktemp("mock")) as server:
        yield server


def request(script: str, api: Api = Api.CHAT) -> Request:
    return Request(prompt="What is flour?", output_tokens=8, api=api, model=script)


def ask(mock: Mock, script: str, api: Api = Api.CHAT) -> Reply | Failure:
    (reply,) = load(mock.url, [request(script, api)], stall=0.3).replies
    return reply


@pytest.mark.parametrize(
    ("script", "reason", "chunks"),
    [
        ("stall", "the server sent nothing for 0.3 s (after 3 chunks)", 3),
        ("silent", "the server sent nothing for 0.3 s", 0),
        ("reset", "the connection broke: the server reset it (after 3 chunks)", 3),
        ("close", "the stream ended after 3 chunks without saying that it was finished", 3),
        ("error", "the server broke off: the cache is full", 3),
        ("error-event", "the server broke off: the worker died", 3),
        ("garbage", "the stream holds something that is no JSON: {half", 3),
        ("refuse", "HTTP 500: out of patience", 0),
        ("at-once", 'it did not stream its answer: {"content": "tok ", "stop": true}', 0),
    ],
)
def test_a_request_that_fails_says_how(mock: Mock, script: str, reason: str, chunks: int) -> None:
    found = ask(mock, script)
    assert isinstance(found, Failure)
    assert (found.reason, found.chunks) == (reason, chunks)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("short", "8 output tokens were asked for and the server counted 5"),
        ("long", "8 output tokens were asked for and the server counted 9"),
        ("uncounted", "no timings and no usage"),
        ("cached", "3 prompt tokens came from the cache"),
    ],
)
def test_an_answer_to_another_question_is_void(mock: Mock, api: Api, script: str, reason: str) -> None:
    found = ask(mock, script, api)
    assert isinstance(found, Reply)
    with pytest.raises(metrics.VoidError, match=reason):
        metrics.check(found, request(script, api))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("script", ["good", "open", "unframed", "pieces", "comments", "thinks"])
def test_whatever_the_manner_the_answer_is_the_same(mock: Mock, api: Api, script: str) -> None:
    found = ask(mock, script, api)
    assert isinstance(found, Reply)
    assert metrics.check(found, request(script, api)).output == 8
    assert (found.text, found.chunks) == (SCRIPTS[script].text * 8, 8)
    assert found.first is not None
    assert found.first - found.sent >= 0.01


def test_a_chunk_is_not_a_token(mock: Mock) -> None:
    found = ask(mock, "several")
    assert isinstance(found, Reply)
    assert (found.chunks, metrics.counts(found).output) == (2, 8)


def test_one_that_fails_does_not_disturb_the_others(mock: Mock) -> None:
    scripts = ["good", "reset", "refuse", "good", "garbage", "stall", "good"]
    found = load(mock.url, [request(script) for script in scripts], users=3, stall=0.3).replies
    assert [isinstance(reply, Reply) for reply in found] == [script == "good" for script in scripts]


def test_nobody_listens() -> None:
    (found,) = load("http://127.0.0.1:9", [request("good")]).replies
    assert isinstance(found, Failure)
    assert found.reason == "the connection broke: nothing listens there"


def test_stamps_are_those_of_the_server(mock: Mock) -> None:
    """Both processes read the same clock, so that no client may see a token before it was sent."""
    mock.told()
    replies = load(mock.url, [request("good")] * 4, users=2).replies
    told = sorted(mock.told(), key=lambda one: one.received)
    for reply, truth in zip(sorted(replies, key=lambda one: one.sent), told, strict=True):
        assert isinstance(reply, Reply)
        assert reply.sent <= truth.received
        delays = [seen - sent for seen, sent in zip(reply.stamps, truth.sent, strict=True)]
        assert min(delays) > 0
        assert sorted(delays)[len(delays) // 2] < 0.05
