"""A long answer does not keep the server from ending within what `docker stop` gives, and its client is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import requests

from bakehouse.model.suite import Subject
from bakehouse.probes import stopping
from bakehouse.suite.session import Server

GRACE = 10.0
"""Seconds: https://docs.docker.com/reference/cli/docker/container/stop/"""
TOKENS = 2000
BODY = {"model": "smollm2", "prompt": "Once upon a time", "max_tokens": TOKENS, "ignore_eos": True, "stream": True}


class Reader(threading.Thread):
    """Reads a stream to its end, whatever the end is."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._answer = requests.post(f"{url}/v1/completions", json=BODY, stream=True, timeout=120)
        self._answer.raise_for_status()
        self.pieces = 0
        self.complete = False
        self.cut_off = False

    def run(self) -> None:
        try:
            for line in self._answer.iter_lines():
                self.pieces += line.startswith(b"data: {")
                self.complete |= line == b"data: [DONE]"
        except requests.RequestException:
            self.cut_off = True


def test_ends_in_time_in_the_middle_of_a_long_answer(
    subject: Subject, start_server: Callable[..., Server], note: Callable[[str], None]
) -> None:
    server = start_server()
    readers = [Reader(server.url) for _ in range(2)]
    for reader in readers:
        reader.start()
    time.sleep(1)

    stopped = stopping.stops(server.container, subject.health)
    for reader in readers:
        reader.join(timeout=5)

    assert stopped.seconds < GRACE
    for reader in readers:
        assert not reader.is_alive(), "a client still waits for a server that has ended"
        assert reader.pieces > 0
        assert reader.complete or reader.cut_off
    note(
        f"ended {stopped.seconds:.1f} s after SIGTERM; clients had {[one.pieces for one in readers]} pieces of {TOKENS}"
    )
