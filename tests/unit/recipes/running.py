"""A service that really runs: uvicorn in a thread, on a port of the loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import requests
import uvicorn
from fastapi import FastAPI
from service.protocol import Bounded

PATIENCE = 60.0
"""Seconds until a service that starts must answer; a busy machine takes some."""


@contextlib.contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """Its address."""
    told: dict[str, Any] = {"http": Bounded, "ws": "none", "log_config": None, "access_log": False, "lifespan": "on"}
    server = uvicorn.Server(uvicorn.Config(app, **told))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        until = time.monotonic() + PATIENCE
        while not server.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def loaded(url: str) -> requests.Response:
    """What /ready answers when the service has loaded its model, or has failed to."""
    while (answer := requests.get(f"{url}/ready", timeout=10)).status_code == 503 and "still loading" in answer.text:
        time.sleep(0.01)
    return answer
