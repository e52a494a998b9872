"""A llama-server that computes nothing, for tests without Docker: health, /completion and /v1/models on loopback.

It says what it is told to say, also what a broken server would say.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Timings = dict[str, Any]


@dataclass(kw_only=True)
class Behaviour:
    """How the next server behaves. The defaults are a good server."""

    loading: int = 0
    """How often health says 503 first."""
    health: int = 200
    """What it says afterwards."""
    status: int = 200
    """Of /completion."""
    content: str = "Paris"
    timings: Callable[[Timings], Timings | None] = lambda timings: timings
    """Changes the timings that a good server would send."""
    prompt_ms: float = 100.0
    predicted_ms: float = 1000.0
    events: list[bytes | float] | None = None
    """Sent instead of a good stream; a number is a pause in seconds."""
    vocabulary: int | None = 1000
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Bodies that came, for the test to look at."""


@contextmanager
def fake_server(behaviour: Behaviour) -> Iterator[str]:
    """Serve on a free port; gives the address."""
    handler = type("Handler", (_Handler,), {"behaviour": behaviour})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            self._health()
        elif self.path == "/v1/models":
            vocabulary = self.behaviour.vocabulary
            self._json(200, {"data": [{"meta": {} if vocabulary is None else {"n_vocab": vocabulary}}]})
        else:
            self._json(404, {"error": {"message": "File Not Found"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.behaviour.requests.append(body)
        if self.behaviour.status != 200:
            self._json(self.behaviour.status, {"error": {"message": "out of patience", "code": self.behaviour.status}})
        elif body.get("stream"):
            self._stream(self.behaviour.events if self.behaviour.events is not None else self._good_stream(body))
        else:
            timings = self.behaviour.timings(self._timings(body))
            said = {"timings": timings} if timings is not None else {}
            self._json(200, {"content": self.behaviour.content, "stop": True} | said)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the standard library chose
        pass

    def _health(self) -> None:
        if self.behaviour.loading > 0:
            self.behaviour.loading -= 1
            self._json(503, {"error": {"message": "Loading model", "code": 503}})
        else:
            self._json(self.behaviour.health, {"status": "ok"})

    def _timings(self, body: dict[str, Any]) -> Timings:
        return {
            "cache_n": 0,
            "prompt_n": len(body["prompt"]),
            "prompt_ms": self.behaviour.prompt_ms,
            "predicted_n": body["n_predict"],
            "predicted_ms": self.behaviour.predicted_ms,
        }

    def _good_stream(self, body: dict[str, Any]) -> list[bytes | float]:
        wanted = body["n_predict"]
        last: dict[str, Any] = {"content": "", "tokens": [], "stop": True}
        changed = self.behaviour.timings(self._timings(body))
        if changed is not None:
            last["timings"] = changed
        tokens = [_event({"content": "x", "tokens": [number], "stop": False}) for number in range(wanted)]
        return [*tokens, _event(last)]

    def _stream(self, events: list[bytes | float]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for event in events:
                if isinstance(event, float):
                    time.sleep(event)
                else:
                    self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True  # the client hung up

    def _json(self, status: int, value: dict[str, Any]) -> None:
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def _event(value: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()
