from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.measure.loadgen.answers import Answer, complete, read
from bakehouse.measure.loadgen.exchange import Exchange
from bakehouse.measure.loadgen.replies import Failure

BODY = b'{"data": [1, 2]}'
WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n" + BODY
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"data":\r\n8\r\n [1, 2]}\r\n0\r\n\r\n'
CLOSED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + BODY
EMPTY = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


def exchange(data: bytes, size: int = 7, *, broken: str = "") -> Exchange:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    reads = [(2.0 + number, piece) for number, piece in enumerate(pieces)]
    return Exchange(due=0.5, sent=1.0, reads=reads, broken=broken)


@pytest.mark.parametrize("data", [WITH_LENGTH, CHUNKED, CLOSED])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_answer_is_read_whole_whatever_its_form(data: bytes, size: int) -> None:
    given_ = exchange(data, size)
    found = read(given_)
    assert isinstance(found, Answer)
    assert (found.status_code, found.json(), found.sent, found.due) == (200, {"data": [1, 2]}, 1.0, 0.5)
    assert found.ended == given_.reads[-1][0]
    assert found.latency == found.ended - 1.0


def test_headers_are_found_in_any_case() -> None:
    found = read(exchange(WITH_LENGTH))
    assert isinstance(found, Answer)
    assert found.headers["Content-type"] == "application/json"


def test_a_refusal_is_an_answer() -> None:
    found = read(exchange(WITH_LENGTH.replace(b"200 OK", b"429 Too Many Requests")))
    assert isinstance(found, Answer)
    assert found.status_code == 429


@pytest.mark.parametrize(
    ("data", "broken", "says"),
    [
        (WITH_LENGTH[:-3], "", "the connection ended after 13 bytes of the answer"),
        (CHUNKED[:-5], "", "the connection ended after 16 bytes"),
        (CLOSED, "the server reset it", "the server reset it"),
        (b"", "nothing listens there", "nothing listens there"),
        (b"SSH-2.0-OpenSSH\r\n", "", "the answer is no HTTP"),
    ],
)
def test_what_did_not_come_to_its_end_is_a_failure(data: bytes, broken: str, says: str) -> None:
    found = read(exchange(data, broken=broken))
    assert isinstance(found, Failure)
    assert says in found.reason


@pytest.mark.parametrize("data", [WITH_LENGTH, CHUNKED, EMPTY])
def test_complete_is_seen_at_the_last_byte_and_not_before(data: bytes) -> None:
    assert complete(exchange(data).reads)
    assert not any(complete([(0.0, data[:end])]) for end in range(len(data)))


def test_without_a_length_the_end_is_the_connections() -> None:
    assert not complete(exchange(CLOSED).reads)


@given(st.binary(max_size=200), st.integers(1, 9))
def test_any_bytes_are_an_answer_or_a_failure(data: bytes, size: int) -> None:
    assert isinstance(read(exchange(data, size)), Answer | Failure)
    complete(exchange(data, size).reads)
