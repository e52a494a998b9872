"""The load client's inner loop: sends prepared requests and keeps every byte that comes back with the time it came.

It parses nothing while it measures. One thread, one epoll, plain sockets: per read it does a `recv`, a look at the
clock and an `append`, so that the time stamp is as close to the kernel as Python can be and many streams fit on one
core. What the bytes mean is read afterwards (stream.py).

Times are seconds of `clock`, by default `time.perf_counter()`: CLOCK_MONOTONIC, which nobody can set, and which is the
same in all processes of a machine.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import select
import socket
import struct
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bakehouse.errors import InputError
from bakehouse.measure.own import Own, own_usage

CONNECT_TIMEOUT = 5.0
STALL_TIMEOUT = 120.0
"""Seconds without a byte after which a server counts as hung."""
REQUEST_TIMEOUT = 1800.0
"""Seconds that one request may take at all: keep-alive comments could go on for ever."""

_READ = 1 << 16
_LOOK = 0.5
"""Seconds between two looks for streams that hang, at most."""
_ENDS = (b"0\r\n\r\n", b"[DONE]\n\n", b"[DONE]\n\n\r\n", b"[DONE]\r\n\r\n")
"""What the last read of an answer may end with. A hint that makes us look; what it means is decided by `finished`."""
_SHORT = 7
"""A read so short may hold only the end of such an end."""
_LAG_EVERY = 16
"""Each so many reads the kernel is asked when the bytes came. Asking costs as much as a read."""
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("qq")
_LIMIT = 1 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """One request, ready to be sent."""

    data: bytes
    due: float = 0.0
    """Seconds after the begin of the run before which it is not sent."""


@dataclass(kw_only=True, slots=True)
class Exchange:
    """One request and the bytes that came back."""

    due: float
    """When it should have been sent."""
    sent: float = 0.0
    """Just before its first byte was sent; 0: it was not."""
    reads: list[tuple[float, bytes]] = field(default_factory=list)
    broken: str = ""
    """What went wrong with the connection; empty when the server ended it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What happened, in the order of the requests."""

    exchanges: tuple[Exchange, ...]
    begun: float
    own: Own


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Address:
        """Take `http://HOST:PORT` apart. Raises InputError: encryption would be measured along with the server."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise InputError(
                f"{url} cannot be measured: only http:// can",
                hint="Measure the server itself, without encryption between it and the client.",
            )
        return cls(host=parts.hostname, port=parts.port or 80)

    def post(self, path: str, body: bytes) -> bytes:
        """Make a request of it. The server closes the connection, so that no answer can run into the next."""
        return (
            f"POST {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
            f"Accept: text/event-stream\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def run(
    address: Address,
    requests: Sequence[Outgoing],
    *,
    users: int = _LIMIT,
    finished: Callable[[Exchange], bool],
    clock: Callable[[], float] = time.perf_counter,
    stall: float = STALL_TIMEOUT,
    request_timeout: float = REQUEST_TIMEOUT,
) -> Run:
    """Send requests in order of `due`, at most `users` of them at the same time, and wait for all answers.

    `finished` is asked now and then whether an answer is complete although the connection is still open. Nothing that
    the server does raises an error: it stands in the exchange. What `Connection` means is settled in `post`.
    """
    loop = _Loop(
        address=address,
        requests=requests,
        users=users,
        finished=finished,
        clock=clock,
        stall=stall,
        request_timeout=request_timeout,
    )
    with _no_garbage_collection():
        before = own_usage()
        try:
            loop.go()
        finally:
            loop.close()
        after = own_usage()
    return Run(
        exchanges=tuple(loop.exchanges), begun=loop.begun, own=after.since(before, lags=loop.lags, late=loop.late)
    )


@dataclass(kw_only=True, slots=True)
class _Stream:
    """A connection that is open."""

    exchange: Exchange
    socket: socket.socket
    rest: memoryview
    opened: float
    last: float
    sized: bool = False
    """The answer says its length, so that each read may be the last."""


class _Loop:
    def __init__(
        self,
        *,
        address: Address,
        requests: Sequence[Outgoing],
        users: int,
        finished: Callable[[Exchange], bool],
        clock: Callable[[], float],
        stall: float,
        request_timeout: float,
    ) -> None:
        self._clock = clock
        self._users = users
        self._finished = finished
        self._stall = stall
        self._request_timeout = request_timeout
        self._look = min(_LOOK, stall / 4)
        self._where = _resolved(address)
        self._poll = select.epoll()
        self._streams: dict[int, _Stream] = {}
        self._countdown = 1
        self.lags = array("d")
        """Seconds between the arrival of bytes in the kernel and their time stamp."""
        self.late = array("d")
        """Seconds by which requests left late that were to leave at a moment."""
        self.begun = 0.0
        self.exchanges = [Exchange(due=request.due) for request in requests]
        order = sorted(range(len(requests)), key=lambda number: requests[number].due)
        self._waiting = deque((self.exchanges[number], requests[number].data) for number in order)

    def go(self) -> None:
        """Run until each request is answered or given up."""
        poll, streams, clock = self._poll.poll, self._streams, self._clock
        look = self.begun = clock()
        for exchange in self.exchanges:
            exchange.due += self.begun
        while self._waiting or streams:
            self._start_due()
            for descriptor, mask in poll(self._timeout()):
                stream = streams[descriptor]
                if stream.rest or not stream.exchange.sent:
                    self._send(stream)
                elif mask:
                    self._read(stream)
            now = clock()
            if now >= look:
                self._give_up(now)
                look = now + self._look

    def close(self) -> None:
        for stream in list(self._streams.values()):
            self._end(stream, broken="the run was ended")
        self._poll.close()

    def _timeout(self) -> float:
        """Seconds until something is to do without the network's help."""
        if self._waiting and len(self._streams) < self._users:
            return min(self._look, max(0.0, self._waiting[0][0].due - self._clock()))
        return self._look

    def _start_due(self) -> None:
        while self._waiting and len(self._streams) < self._users and self._waiting[0][0].due <= self._clock():
            exchange, data = self._waiting.popleft()
            self._open(exchange, data)

    def _open(self, exchange: Exchange, data: bytes) -> None:
        family, target = self._where
        now = self._clock()
        try:
            connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            exchange.broken = f"the connection broke: {error.strerror}"
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        stream = _Stream(exchange=exchange, socket=connection, rest=memoryview(data), opened=now, last=now)
        self._streams[connection.fileno()] = stream
        self._poll.register(connection.fileno(), select.EPOLLOUT)
        if (code := connection.connect_ex(target)) not in (0, errno.EINPROGRESS):
            self._end(stream, broken=_broken(code))

    def _send(self, stream: _Stream) -> None:
        exchange = stream.exchange
        if not exchange.sent:
            if code := stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._end(stream, broken=_broken(code))
                return
            exchange.sent = stream.last = self._clock()
            if self._users == _LIMIT:  # otherwise it was sent as soon as somebody was free, whenever that was
                self.late.append(exchange.sent - exchange.due)
        try:
            stream.rest = stream.rest[stream.socket.send(stream.rest) :]
        except BlockingIOError:
            return
        except OSError as error:
            # A server that refuses early may have said why: what it said is read first.
            stream.rest = memoryview(b"")
            exchange.broken = _broken(error.errno)
        if not stream.rest:
            self._poll.modify(stream.socket.fileno(), select.EPOLLIN)

    def _read(self, stream: _Stream) -> None:
        self._countdown -= 1
        try:
            data = stream.socket.recv(_READ) if self._countdown else self._read_and_compare(stream.socket)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(stream, broken=_broken(error.errno))
            return
        now = self._clock()
        if not data:
            self._end(stream)
            return
        reads = stream.exchange.reads
        if not reads:
            stream.sized = b"content-length:" in data[:4096].lower()
        reads.append((now, data))
        stream.last = now
        if (data.endswith(_ENDS) or len(data) < _SHORT or stream.sized) and self._finished(stream.exchange):
            self._end(stream)

    def _read_and_compare(self, connection: socket.socket) -> bytes:
        """Read, and compare the time at which the kernel got the bytes with now. Both are of the system's clock."""
        self._countdown = _LAG_EVERY
        data, notes, _, _ = connection.recvmsg(_READ, socket.CMSG_SPACE(_TIMESPEC.size))
        now = time.time_ns()
        for level, kind, value in notes:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(value) >= _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack(value[: _TIMESPEC.size])
                self.lags.append(max(0, now - seconds * 1_000_000_000 - nanoseconds) / 1e9)
        return data

    def _give_up(self, now: float) -> None:
        for stream in list(self._streams.values()):
            if not stream.exchange.sent and now - stream.opened > CONNECT_TIMEOUT:
                self._end(stream, broken=f"nobody accepted the connection within {CONNECT_TIMEOUT:g} s")
            elif now - stream.last > self._stall:
                self._end(stream, broken=f"the server sent nothing for {self._stall:g} s")
            elif now - stream.opened > self._request_timeout:
                self._end(stream, broken=f"it was not finished after {self._request_timeout:g} s")

    def _end(self, stream: _Stream, *, broken: str = "") -> None:
        stream.exchange.broken = stream.exchange.broken or broken
        del self._streams[stream.socket.fileno()]
        stream.socket.close()  # epoll forgets it by itself


def _resolved(address: Address) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise InputError(f"{address.host} has no address: {error.strerror}") from error
    return found[0][0], found[0][4]


def _broken(code: int | None) -> str:
    match code:
        case errno.ECONNREFUSED:
            return "the connection broke: nobody listens there"
        case errno.ECONNRESET | errno.EPIPE:
            return "the connection broke: the server reset it"
        case _:
            return f"the connection broke: {errno.errorcode.get(code or 0, 'unknown error')}"


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A collection in the middle would stop the clock's hands for milliseconds."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
