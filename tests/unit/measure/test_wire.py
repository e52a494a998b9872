from __future__ import annotations

import socket
import struct
import time

import pytest

from bakehouse.errors import InputError
from bakehouse.measure import wire
from bakehouse.measure.client import Failure, load
from bakehouse.measure.wire import Address, Exchange
from bakehouse.measure.workloads import Request

REQUEST = Request(prompt="a", output_tokens=2)
NOTE = wire._SO_TIMESTAMPNS


def note(seconds: int, nanoseconds: int) -> list[tuple[int, int, bytes]]:
    return [(socket.SOL_SOCKET, NOTE, struct.pack("qq", seconds, nanoseconds))]


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "127.0.0.1:8080", "http://"])
def test_only_plain_http_is_measured(url: str) -> None:
    with pytest.raises(InputError, match="cannot be measured: only http:// can"):
        load(url, [REQUEST])


def test_a_name_without_an_address() -> None:
    with pytest.raises(InputError, match=r"no-such-host\.invalid has no address"):
        load("http://no-such-host.invalid:1", [REQUEST])


def test_a_request_asks_for_a_connection_of_its_own() -> None:
    head, _, body = Address.of("http://localhost:8080").post("/completion", b"{}").partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /completion HTTP/1.1"
    assert {b"Host: localhost:8080", b"Connection: close", b"Content-Length: 2"} <= set(lines)
    assert body == b"{}"


def test_the_time_of_a_read_is_the_kernels_moved_to_our_clock() -> None:
    exchange = Exchange(due=0.0)
    # The system's clock was 1000 s ahead of ours, and later, after it was set, 990 s.
    raw = [(5.5, b"a", note(1005, 250_000_000)), (9.0, b"b", note(998, 0)), (9.5, b"c", [])]
    lags = wire._settle([exchange], [raw], [(4.0, 1000.0), (8.0, 990.0)])
    assert exchange.reads == [(5.25, b"a"), (8.0, b"b"), (9.5, b"c")]
    assert list(lags) == [0.25, 1.0]


def test_bytes_that_came_after_our_look_at_the_clock_did_not_come_late() -> None:
    exchange = Exchange(due=0.0)
    lags = wire._settle([exchange], [[(5.0, b"a", note(1005, 1000))]], [(4.0, 1000.0)])
    assert list(lags) == [0.0]
    assert exchange.reads[0][0] == pytest.approx(5.000001)


def test_the_offset_of_the_clocks() -> None:
    moment, offset = wire._offset(time.perf_counter)
    assert moment + offset == pytest.approx(time.time(), abs=1.0)


def test_a_server_that_accepts_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        began = time.perf_counter()
        (found,) = load(url, [REQUEST], stall=0.1).replies
    assert isinstance(found, Failure)
    assert found.reason == "the server sent nothing for 0.1 s"
    assert time.perf_counter() - began < 5


def test_a_request_that_never_ends_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address(host="127.0.0.1", port=listener.getsockname()[1])
        outgoing = [wire.Outgoing(data=address.post("/", b""))]
        run = wire.run(address, outgoing, finished=lambda _: False, stall=0.4, request_timeout=0.05)
    assert run.exchanges[0].broken == "it was not finished after 0.05 s"


def test_no_requests_are_no_load() -> None:
    assert load("http://127.0.0.1:9", []).replies == ()
