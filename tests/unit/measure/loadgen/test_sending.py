from __future__ import annotations

import threading
from typing import Any

from bakehouse.measure.loadgen.answers import Answer
from bakehouse.measure.loadgen.exchange import Address
from bakehouse.measure.loadgen.replies import Failure
from bakehouse.measure.loadgen.sending import send
from tests.doubles.work_server import Asked, work_server


def request(url: str, body: str, path: str = "/a") -> bytes:
    return Address.of(url).request("POST", path, body.encode(), headers={"Content-Type": "text/plain"})


def test_answers_stand_in_the_order_of_their_requests() -> None:
    def echo(asked: Asked) -> tuple[int, Any]:
        return 200, asked.body.decode()

    with work_server(echo) as server:
        found = send(server.url, [request(server.url, str(number)) for number in range(20)], users=4)
    assert [one.json() for one in found.answers if isinstance(one, Answer)] == [str(number) for number in range(20)]
    assert all(one.sent <= one.ended for one in found.answers if isinstance(one, Answer))
    assert server.asked[0].kind == "text/plain"


def test_no_more_clients_ask_than_there_are() -> None:
    together, most, lock = 0, 0, threading.Lock()

    def respond(_: Asked) -> tuple[int, Any]:
        nonlocal together
        with lock:
            together -= 1
        return 200, {}

    class Counting:
        def __call__(self, asked: Asked) -> tuple[int, Any]:
            nonlocal together, most
            with lock:
                together += 1
                most = max(most, together)
            threading.Event().wait(0.01)
            return respond(asked)

    with work_server(Counting()) as server:
        send(server.url, [request(server.url, "x")] * 12, users=3)
    assert most <= 3
    assert len(server.asked) == 12


def test_requests_leave_at_their_moments() -> None:
    with work_server(lambda _: (200, {})) as server:
        found = send(server.url, [request(server.url, "x")] * 3, due=(0.0, 0.05, 0.1))
    sent = [one.sent for one in found.answers]
    assert sent[2] - sent[0] >= 0.09


def test_nobody_there_is_a_failure_of_each() -> None:
    with work_server(lambda _: (200, {})) as server:
        url = server.url
    found = send(url, [request(url, "x")] * 2)
    assert [type(one) for one in found.answers] == [Failure, Failure]
