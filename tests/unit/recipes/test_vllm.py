"""vLLM's server, as it is started here, answers what it took before it ends, and hangs up on who takes too long."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from vllm_server.__main__ import DRAIN

from bakehouse.system import daemon

LAUNCHER = '''
import asyncio, contextlib, signal
import uvicorn

class NoSignalServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):
        yield

async def serve_http(app, **settings):
    """In vLLM's order: the server's task is made, then the handlers are set, then both run."""
    server = NoSignalServer(uvicorn.Config(app, log_level="error", **settings))
    loop = asyncio.get_running_loop()
    serving = loop.create_task(server.serve())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop_engine, app, serving)
    await serving

def stop_engine(app, serving):
    app.state.engine_lives = False
    serving.cancel()
'''
ENTRY = """
import asyncio, sys
from argparse import ArgumentParser
from fastapi import FastAPI
from ..launcher import serve_http

async def run_server(args, **uvicorn):
    app = FastAPI()
    app.state.engine_lives = True

    @app.get("/wait")
    async def wait(seconds: float):
        await asyncio.sleep(seconds)
        return {"text": "Paris" if app.state.engine_lives else ""}

    await serve_http(app, port=args.port, **uvicorn)
    print("the engine ends last", flush=True)

def main():
    parser = ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--shutdown-timeout", type=int, default=0)
    asyncio.run(run_server(parser.parse_args()))
"""


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[tuple[str, int]]:
    """Address and pid of `vllm_server` over a package in vLLM's form: modules, names and the order of what they do."""
    api = folder / "vllm/entrypoints/launchers/api_server"
    api.mkdir(parents=True)
    for package in (api, *list(api.parents)[:3]):
        (package / "__init__.py").touch()
    (api.parent / "launcher.py").write_text(LAUNCHER)
    (api / "entry.py").write_text(ENTRY)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{Path('recipes/_vllm').resolve()}"}
    words = [sys.executable, "-m", "vllm_server", "--port", str(port), *arguments]
    pid = daemon.start(words, env=environ, log=folder / "log")
    try:
        yield f"http://127.0.0.1:{port}", pid
    finally:
        daemon.stop(pid, grace=1.0)


class Client(threading.Thread):
    """Waits for an answer that takes `seconds`."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__()
        self._address = f"{url}/wait?seconds={seconds}"
        self.said = ""
        self.start()

    def run(self) -> None:
        try:
            self.said = requests.get(self._address, timeout=30).text
        except requests.RequestException as error:
            self.said = type(error).__name__


def ready(url: str) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            requests.get(f"{url}/wait?seconds=0", timeout=5)
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return
    pytest.fail("it does not answer")


def end(pid: int, *clients: Client) -> float:
    """Seconds from SIGTERM until the process has ended."""
    time.sleep(0.5)
    begin = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    while daemon.alive(pid) and time.monotonic() < begin + 20:
        time.sleep(0.02)
    took = time.monotonic() - begin
    for client in clients:
        client.join()
    return took


def test_what_was_taken_is_answered_by_an_engine_that_lives(tmp_path: Path) -> None:
    with started(tmp_path) as (url, pid):
        ready(url)
        clients = [Client(url, 1.5) for _ in range(3)]
        took = end(pid, *clients)

    assert [client.said for client in clients] == ['{"text":"Paris"}'] * 3
    assert took < DRAIN
    assert "the engine ends last" in (tmp_path / "log").read_text()


def test_who_takes_too_long_is_hung_up_on(tmp_path: Path) -> None:
    with started(tmp_path, "--shutdown-timeout", "1") as (url, pid):
        ready(url)
        client = Client(url, 25)
        took = end(pid, client)

    assert client.said == "Internal Server Error"
    assert 1 <= took < 15


def test_the_time_fits_into_the_ten_seconds_that_docker_gives() -> None:
    assert DRAIN <= 7
