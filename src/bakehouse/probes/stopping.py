"""A server ends when it is told to: idle, in the middle of an answer, and under load."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from bakehouse.engine.container import Stopped, last_lines
from bakehouse.measure.loadgen.workloads import Request
from bakehouse.model.recipe import Health
from bakehouse.probes import ProbeFailed
from bakehouse.probes.health import RunningContainer

ENDLESS = 100_000
"""More tokens than a client waits for."""


def stops(server: RunningContainer, health: Health) -> Stopped:
    """SIGTERM ends it within `stop_grace`, with a status that says that this was no crash (0 or 143)."""
    stopped = server.stop(grace=health.stop_grace)
    if not stopped.in_time:
        raise ProbeFailed(
            f"it ignored SIGTERM for {health.stop_grace:g} s and had to be killed",
            hint="The entrypoint must be the server itself (exec form), so that the signal reaches it. As process 1 it "
            "must also handle it, since the kernel does nothing for process 1: signal.signal(signal.SIGTERM, ...) in "
            "Python; uvicorn and gunicorn do so.",
        )
    if stopped.state.exit_code not in health.stopped:
        wanted = " or ".join(str(status) for status in health.stopped)
        raise ProbeFailed(
            f"after SIGTERM it ended with status {stopped.state.exit_code} instead of {wanted}:\n"
            f"{last_lines(server.logs())}"
        )
    return stopped


def stops_while_answering(
    server: RunningContainer, health: Health, *, patience: float = 2.0, begin: float = 120.0
) -> Stopped:
    """End within `stop_grace` on SIGTERM, also in the middle of an answer.

    The client hangs up when it has not heard anything for `patience` seconds, as clients do. Some servers need that:
    SIGTERM stops the tokens at once, but the process waits until the last client has gone. The answer itself may take
    `begin` seconds to begin: on a busy machine, or where a driver still compiles.
    """
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=begin)
    try:
        connection.connect()
        client = connection.sock
        body = json.dumps(Request(prompt=(1,), output_tokens=ENDLESS).body())
        connection.request("POST", "/completion", body=body, headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        if not response.read1(1):
            raise ProbeFailed("it did not begin to answer: the answer is empty")
        client.settimeout(patience)
        reader = threading.Thread(target=_read_on, args=(connection, response))
        reader.start()
        try:
            return stops(server, health)
        finally:
            reader.join()
    except (OSError, http.client.HTTPException) as error:
        raise ProbeFailed(f"it did not begin to answer: {error}") from error


def stops_under_load(
    server: RunningContainer, health: Health, *, ask: Callable[[], None], users: int = 4, warm: float = 1.0
) -> Stopped:
    """End within `stop_grace` on SIGTERM while `users` ask all the time. A request that was accepted is answered.

    `ask` raises ProbeFailed for a wrong answer, also to a request that was begun just before SIGTERM.
    """
    told, wrong = threading.Event(), list[ProbeFailed]()

    def go_on() -> None:
        while not told.is_set():
            try:
                ask()  # begun before SIGTERM, so it must be answered
            except ProbeFailed as error:
                wrong.append(error)
                return

    threads = [threading.Thread(target=go_on) for _ in range(users)]
    for thread in threads:
        thread.start()
    time.sleep(warm)
    told.set()
    try:
        stopped = stops(server, health)
    finally:
        for thread in threads:
            thread.join()
    if wrong:
        raise wrong[0]
    return stopped


def _read_on(connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
    """Read until the server ends or falls silent, and hang up."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        while response.read1(65536):
            pass
    response.close()
    connection.close()
