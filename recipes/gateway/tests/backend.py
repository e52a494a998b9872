"""A server with OpenAI's API that answers with its name. `POST /away SECONDS` closes it for a while, connections too.

Runs in a container of the gateway's own image, which has a Python and nothing more.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = sys.argv[1]
PORT = 8000
away = threading.Event()
seconds = 0.0
connections: set[socket.socket] = set()
"""That are open: one that a gateway keeps would be answered although the port is closed."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits for the client to acknowledge the headers: 40 ms

    def setup(self) -> None:
        super().setup()
        connections.add(self.connection)

    def finish(self) -> None:
        connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._say({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "test"}]})
        else:
            self._say({}, 200 if self.path == "/health" else 404)

    def do_POST(self) -> None:
        global seconds  # noqa: PLW0603 - one server
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/away":
            seconds = float(asked)
            self._say({})
            away.set()
        elif asked.get("stream"):
            self._stream()
        else:
            self._say({"id": "1", "object": "chat.completion", "model": MODEL, "choices": [self._choice("message")]})

    def _choice(self, kind: str) -> dict[str, object]:
        said = f"{MODEL} with {self.headers['Authorization']}"
        return {"index": 0, kind: {"role": "assistant", "content": said}, "finish_reason": "stop"}

    def _say(self, document: object, status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for _ in range(4):
            chunk = {"id": "1", "object": "chat.completion.chunk", "model": MODEL, "choices": [self._choice("delta")]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
            time.sleep(0.5)
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


while True:
    with ThreadingHTTPServer(("", PORT), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        away.wait()
        server.shutdown()
        for connection in tuple(connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
    away.clear()
    time.sleep(seconds)
