"""A server of some work, with answers that a test chooses; it keeps what it was asked."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    path: str
    kind: str
    body: bytes


Respond = Callable[[Asked], tuple[int, Any]]
"""Status and JSON."""


@dataclass(kw_only=True, slots=True)
class WorkServer:
    url: str
    asked: list[Asked] = field(default_factory=list)


@contextlib.contextmanager
def work_server(respond: Respond, *, seconds: float = 0.0) -> Iterator[WorkServer]:
    """`seconds`: of each answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked = Asked(path=self.path, kind=self.headers.get("Content-Type", ""), body=body)
            found.asked.append(asked)
            time.sleep(seconds)
            status, document = respond(asked)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A test that lets it break off wants no traceback."""

    with Server(("127.0.0.1", 0), Handler) as server:
        found = WorkServer(url=f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def embed(asked: Asked) -> tuple[int, Any]:
    """One vector for each text."""
    texts = json.loads(asked.body)["input"]
    return 200, {"data": [{"embedding": [0.0, 1.0]} for _ in texts]}
