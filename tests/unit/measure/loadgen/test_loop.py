from __future__ import annotations

import socket
import time

import pytest

from bakehouse.errors import InputError
from bakehouse.measure.loadgen import loop
from bakehouse.measure.loadgen.client import Failure, load
from bakehouse.measure.loadgen.exchange import Address, Outgoing
from bakehouse.measure.loadgen.workloads import Request

REQUEST = Request(prompt="a", output_tokens=2)


def test_a_name_without_an_address() -> None:
    with pytest.raises(InputError, match=r"no-such-host\.invalid has no address"):
        load("http://no-such-host.invalid:1", [REQUEST])


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
        outgoing = [Outgoing(data=address.post("/", b""))]
        run = loop.run(address, outgoing, finished=lambda _: False, stall=0.4, request_timeout=0.05)
    assert run.exchanges[0].broken == "it was not finished after 0.05 s"


def test_no_requests_are_no_load() -> None:
    assert load("http://127.0.0.1:9", []).replies == ()
