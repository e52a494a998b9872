"""An inference server that computes nothing, in a process of its own: at known moments it sends known bytes.

It speaks as llama-server (/completion) and as OpenAI-compatible servers (/v1/completions, /v1/chat/completions) do, and
follows a script, which a request chooses by its `model`. It writes down when it really sent each token, by the clock
that all processes of a machine share (CLOCK_MONOTONIC), so that a client's times can be held against the truth and
not against a plan. One thread, one epoll, the standard library only: it starts in a moment and stays out of the way.

    GET /health          503 until `loading` seconds have passed since the start
    GET /v1/models       the scripts
    GET /records         what was sent when, and what the server itself used; forgets it

Run as `python tests/doubles/mock_server.py SCRIPTS.json`; prints its port and ends with its parent.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

PORT_LINE = "listening on "
_HEADERS_END = b"\r\n\r\n"
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with 0 seconds: closing sends RST."""
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("qq")
_RETRY = 0.001
_LOOK = 0.5
_OK = 200
_LENGTHS = ("n_predict", "max_tokens", "max_completion_tokens")

_WITH_USAGE = {"id": "mock", "object": "chat.completion.chunk", "created": 0, "model": "mock", "choices": []}

Ending = Literal["", "error", "error-event", "garbage", "stall", "reset", "close"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """How a request is answered. The defaults are a good server. Seconds and tokens."""

    ttft: float = 0.02
    """From the request's last byte to the first token."""
    gaps: tuple[float, ...] = (0.005,)
    """Between tokens, over and over."""
    tokens: int | None = None
    """Instead of as many as were asked for: a server that ignores ignore_eos."""
    per_chunk: int = 1
    """Tokens in each chunk."""
    segments: int = 1
    """Pieces in which each chunk goes over the wire."""
    segment_pause: float = 0.0005
    text: str = "tok "
    """Of each token."""
    reasoning: str = ""
    """Name of the field that a chat's text comes in, instead of `content`."""
    comments: int = 0
    """A keep-alive comment before each so many chunks."""
    padding: int = 0
    """Bytes of further fields in each chunk, as real servers send them."""
    usage: bool = True
    timings: bool = True
    """Of /completion."""
    cached: int = 0
    """Prompt tokens that it says came from a cache."""
    status: int = _OK
    streams: bool = True
    """False: one JSON document at the end, whatever was asked."""
    ends_with: Ending = ""
    """How the answer goes wrong."""
    ends_after: int = 3
    """Chunks before it does."""
    closes: bool = True
    """False: the connection stays open after the last byte of the answer."""
    chunked: bool = True
    """False: the end of the connection is the end of the body."""
    loading: float = 0.0
    """Seconds for which /health says 503; of the script `default` only."""


@dataclass(kw_only=True, slots=True)
class Told:
    """What was sent for one request. Seconds of CLOCK_MONOTONIC."""

    model: str
    prompt_tokens: int
    received: float
    """When the kernel got the last byte of the request."""
    planned: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    """Just before the last piece of each chunk with tokens was sent."""
    per_chunk: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class _Step:
    after: float
    """Seconds after the request was received."""
    data: bytes
    token: bool = False
    ending: Ending | Literal["done"] = ""


@dataclass(kw_only=True, slots=True)
class _Connection:
    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)
    steps: Iterator[_Step] | None = None
    step: _Step | None = None
    told: Told | None = None
    closes: bool = True


def chunks(script: Script, path: str, body: dict[str, Any]) -> Iterator[_Step]:
    """The whole answer as steps."""
    wanted = next((int(body[key]) for key in _LENGTHS if body.get(key)), 16)
    total = wanted if script.tokens is None else script.tokens
    say = _Words(script, path, prompt_tokens=prompt_tokens(body))
    yield _Step(after=0.0, data=_head(script))
    if path.endswith("chat/completions"):
        yield _Step(after=0.0, data=say.framed(say.event({"role": "assistant", "content": None})))
    at, made, number = script.ttft, 0, 0
    while made < total:
        if script.ends_with and number == script.ends_after:
            yield _Step(after=at, data=say.framed(say.wrong()), ending=script.ends_with)
            return
        count = min(script.per_chunk, total - made)
        if script.comments and number % script.comments == 0:
            yield _Step(after=at, data=say.framed(b": keep-alive\n\n"))
        *early, last = _pieces(say.token(count), script.segments)
        for piece in early:
            yield _Step(after=at, data=piece)
            at += script.segment_pause
        yield _Step(after=at, data=last, token=True)
        made += count
        number += 1
        at += script.gaps[(number - 1) % len(script.gaps)]
    end = at - (script.gaps[(number - 1) % len(script.gaps)] if number else 0.0)
    yield _Step(after=end, data=say.last(total, seconds=end - script.ttft) + say.close(), ending="done")


def prompt_tokens(body: dict[str, Any]) -> int:
    """Count ids, or words."""
    prompt = body.get("prompt")
    if isinstance(prompt, list):
        return len(prompt)
    if isinstance(prompt, str):
        return len(prompt.split())
    return sum(len(str(message.get("content", "")).split()) for message in body.get("messages", ()))


class _Words:
    """The bytes of one answer's chunks."""

    def __init__(self, script: Script, path: str, *, prompt_tokens: int) -> None:
        self._script = script
        self._path = path
        self._prompt = prompt_tokens
        self._tokens: dict[int, bytes] = {}

    def framed(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._script.chunked and data else data

    def close(self) -> bytes:
        return b"0\r\n\r\n" if self._script.chunked else b""

    def token(self, count: int) -> bytes:
        """A chunk with so many tokens; made once."""
        if count not in self._tokens:
            text = self._script.text * count
            if self._path == "/completion":
                data = self.event({"content": text, "tokens": [7] * count, "stop": False})
            elif self._path.endswith("chat/completions"):
                data = self.event({self._script.reasoning or "content": text})
            else:
                data = self.event({"text": text})
            self._tokens[count] = self.framed(data)
        return self._tokens[count]

    def event(self, said: dict[str, Any], *, finish: str | None = None) -> bytes:
        """One server-sent event in the manner of the path."""
        if self._path != "/completion":
            is_chat = self._path.endswith("chat/completions")
            choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
            choice |= {"delta": said} if is_chat else {"text": "", **said}
            kind = "chat.completion.chunk" if is_chat else "text_completion"
            said = {"id": "mock", "object": kind, "created": 0, "model": "mock", "choices": [choice]}
        if self._script.padding:
            said["padding"] = "." * self._script.padding
        return b"data: %b\n\n" % json.dumps(said, ensure_ascii=False).encode()

    def last(self, total: int, *, seconds: float) -> bytes:
        """What follows the last token."""
        script = self._script
        timings = {
            "cache_n": script.cached,
            "prompt_n": self._prompt - script.cached,
            "prompt_ms": script.ttft * 1000,
            "predicted_n": total,
            "predicted_ms": seconds * 1000,
        }
        if self._path == "/completion":
            stop: dict[str, Any] = {"content": "", "tokens": [], "stop": True}
            return self.framed(self.event(stop | ({"timings": timings} if script.timings else {})))
        data = self.framed(self.event({}, finish="length"))
        if script.usage:
            usage = {
                "prompt_tokens": self._prompt,
                "completion_tokens": total,
                "total_tokens": self._prompt + total,
                "prompt_tokens_details": {"cached_tokens": script.cached},
            }
            data += self.framed(b"data: %b\n\n" % json.dumps(_WITH_USAGE | {"usage": usage}).encode())
        return data + self.framed(b"data: [DONE]\n\n")

    def wrong(self) -> bytes:
        """What is sent when it goes wrong."""
        match self._script.ends_with:
            case "error":
                return b'data: {"error":{"message":"the cache is full","code":500}}\n\n'
            case "error-event":
                return b'event: error\ndata: {"message":"the worker died"}\n\n'
            case "garbage":
                return b"data: {half\n\n"
            case _:
                return b""


class Server:
    """Listens, follows scripts, writes down."""

    def __init__(self, scripts: dict[str, Script]) -> None:
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._poll = select.epoll()
        self._poll.register(self._listener.fileno(), select.EPOLLIN)
        self._open: dict[int, _Connection] = {}
        self._due: list[tuple[float, int, _Connection]] = []
        self._count = 0
        self._told: list[Told] = []
        self._begun = time.perf_counter()

    def serve(self) -> None:
        """Serve until the process that started us is gone."""
        parent = os.getppid()
        while os.getppid() == parent:
            for descriptor, _ in self._poll.poll(self._timeout()):
                if descriptor == self._listener.fileno():
                    self._accept()
                elif connection := self._open.get(descriptor):
                    self._receive(connection)
            self._send_due()

    def _timeout(self) -> float:
        """Seconds until the next step; epoll counts whole milliseconds, so the last one is spent looking."""
        if not self._due:
            return _LOOK
        return max(0.0, min(_LOOK, self._due[0][0] - time.perf_counter() - 0.001))

    def _send_due(self) -> None:
        due, push, pop, clock = self._due, heapq.heappush, heapq.heappop, time.perf_counter
        limit = clock()
        while due and due[0][0] <= limit:
            planned, _, connection = pop(due)
            step, told = connection.step, connection.told
            if step is None or told is None:  # it was closed meanwhile
                continue
            now = clock()
            try:
                if step.data:
                    connection.socket.send(step.data)
            except BlockingIOError:
                self._count += 1
                push(due, (now + _RETRY, self._count, connection))
                continue
            except OSError:
                self._close(connection)
                continue
            if step.token:
                told.planned.append(planned)
                told.sent.append(now)
            if step.ending:
                self._finish(connection, step)
            else:
                self._next(connection)

    def _next(self, connection: _Connection) -> None:
        assert connection.steps is not None
        assert connection.told is not None
        connection.step = next(connection.steps, None)
        if connection.step is not None:
            self._count += 1
            heapq.heappush(self._due, (connection.told.received + connection.step.after, self._count, connection))

    def _finish(self, connection: _Connection, step: _Step) -> None:
        connection.step = None
        match step.ending:
            case "stall":
                return
            case "reset":
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            case "done" if not connection.closes:
                return
        self._close(connection)

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except BlockingIOError:
                return
            accepted.setblocking(False)
            with contextlib.suppress(OSError):
                accepted.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open[accepted.fileno()] = _Connection(socket=accepted)
            self._poll.register(accepted.fileno(), select.EPOLLIN)

    def _receive(self, connection: _Connection) -> None:
        try:
            data, notes, _, _ = connection.socket.recvmsg(1 << 16, socket.CMSG_SPACE(_TIMESPEC.size))
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(connection)
            return
        connection.received += data
        head, found, body = bytes(connection.received).partition(_HEADERS_END)
        if not found or len(body) < _length(head):
            return
        now = _came(notes)
        connection.received.clear()
        method, path, _ = head.split(b" ", 2)
        if method == b"POST":
            self._answer(connection, path.decode(), body, now)
        else:
            self._tell(connection, path.decode())

    def _answer(self, connection: _Connection, path: str, body: bytes, now: float) -> None:
        asked = json.loads(body)
        model = str(asked.get("model", "default"))
        script = self._scripts.get(model) or self._scripts["default"]
        if script.status != _OK:
            self._document(connection, {"error": {"message": "out of patience"}}, status=script.status)
        elif not script.streams or not asked.get("stream"):
            self._document(connection, {"content": script.text, "stop": True})
        else:
            told = Told(model=model, prompt_tokens=prompt_tokens(asked), received=now, per_chunk=script.per_chunk)
            self._told.append(told)
            connection.told, connection.closes = told, script.closes
            connection.steps = chunks(script, path, asked)
            self._next(connection)

    def _tell(self, connection: _Connection, path: str) -> None:
        if path == "/health":
            loads = time.perf_counter() - self._begun < self._scripts["default"].loading
            self._document(connection, {"status": "loading" if loads else "ok"}, status=503 if loads else _OK)
        elif path == "/v1/models":
            models = [{"id": name, "object": "model", "meta": {"n_vocab": 1000}} for name in self._scripts]
            self._document(connection, {"object": "list", "data": models})
        elif path == "/records":
            told, self._told = self._told, []
            records = {"cpu_s": time.process_time(), "requests": [asdict(one) for one in told]}
            self._document(connection, records)
        else:
            self._document(connection, {"error": {"message": f"nothing at {path}"}}, status=404)

    def _document(self, connection: _Connection, value: dict[str, Any], *, status: int = _OK) -> None:
        data = json.dumps(value).encode()
        connection.socket.setblocking(True)
        head = b"HTTP/1.1 %d Said\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        with contextlib.suppress(OSError):  # who asked is gone
            connection.socket.sendall(head % (status, len(data)) + data)
        self._close(connection)

    def _close(self, connection: _Connection) -> None:
        connection.step = None
        if self._open.pop(connection.socket.fileno(), None):
            connection.socket.close()


def _came(notes: list[tuple[int, int, bytes]]) -> float:
    """When the kernel got the last bytes; now, where it does not say."""
    now, wall = time.perf_counter(), time.time()
    for level, kind, value in notes:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            return now - max(0.0, wall - float(seconds) - float(nanoseconds) / 1e9)
    return now


def _head(script: Script) -> bytes:
    coding = b"Transfer-Encoding: chunked\r\n" if script.chunked else b""
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n%b\r\n" % coding


def _pieces(data: bytes, count: int) -> list[bytes]:
    """Cut into that many pieces, wherever that falls: also through a character."""
    size = max(1, -(-len(data) // count))
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def scripts_of(text: str) -> dict[str, Script]:
    """Read scripts from JSON, as `dataclasses.asdict` gives them."""
    said: dict[str, dict[str, Any]] = json.loads(text)
    return {name: Script(**one | {"gaps": tuple(one["gaps"])}) for name, one in said.items()}


def main() -> None:
    server = Server({"default": Script()} | scripts_of(Path(sys.argv[1]).read_text(encoding="utf-8")))
    sys.stdout.write(f"{PORT_LINE}{server.port}\n")
    sys.stdout.flush()
    server.serve()


if __name__ == "__main__":
    main()
