"""The load client's inner loop: sends prepared requests and keeps every byte that comes back with the time it came.

It parses nothing while it measures. One thread, one epoll, plain sockets: a read is a `recvmsg` and an `append`. The
time of a read is the one at which the kernel got its bytes (kernel_timestamps.py). Nothing is lost by reading late, so
many streams are read together, once a millisecond, which is what makes many streams cheap. Where the kernel does not
say (gVisor), each read is stamped as soon as it is there, and a client that was late voids the measurement. What the
bytes mean is read afterwards (sse.py, replies.py).

Times are seconds of `clock`, by default `time.perf_counter()`: CLOCK_MONOTONIC, which nobody can set, and which is the
same in all processes of a machine.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import select
import socket
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bakehouse.errors import InputError
from bakehouse.measure.loadgen.client_overhead import ClientOverhead, own_usage
from bakehouse.measure.loadgen.exchange import Address, Exchange, Outgoing
from bakehouse.measure.loadgen.kernel_timestamps import NOTE, SO_TIMESTAMPNS, Raw, clock_offset, settle

CONNECT_TIMEOUT = 5.0
STALL_TIMEOUT = 120.0
"""Seconds without a byte after which a server counts as hung."""
REQUEST_TIMEOUT = 1800.0
"""Seconds that one request may take at all: keep-alive comments could go on for ever."""

_READ = 1 << 13
"""Bytes of one read. A larger buffer costs more to make than most reads cost; a longer answer is read in pieces."""
_LOOK = 0.5
"""Seconds between two looks for streams that hang, at most."""
_ENDS = (b"0\r\n\r\n", b"[DONE]\n\n", b"[DONE]\n\n\r\n", b"[DONE]\r\n\r\n")
"""What the last read of an answer may end with. A hint that makes us look; what it means is decided by `finished`."""
_SHORT = 7
"""A read so short may hold only the end of such an end."""
_TOGETHER = 0.001
"""Seconds between two rounds of reading, where the kernel keeps the time. Two tokens of one stream are never so close
that they come in one read, or their gap is shorter than anybody sees."""
_ALONE = 4
"""So few streams are read at once: there is nothing to save."""
UNLIMITED = 1 << 30
"""Clients at the same time, where requests come when they come."""


_Receive = Callable[[int, int], tuple[bytes, list[tuple[int, int, bytes]], int, object]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What happened, in the order of the requests."""

    exchanges: tuple[Exchange, ...]
    begun: float
    overhead: ClientOverhead


def run(
    address: Address,
    requests: Sequence[Outgoing],
    *,
    users: int = UNLIMITED,
    finished: Callable[[Iterable[tuple[float, bytes]]], bool],
    gathers: bool = True,
    clock: Callable[[], float] = time.perf_counter,
    stall: float = STALL_TIMEOUT,
    request_timeout: float = REQUEST_TIMEOUT,
) -> Run:
    """Send requests in order of `due`, at most `users` of them at the same time, and wait for all answers.

    `finished` is asked now and then whether an answer is complete although the connection is still open. Nothing that
    the server does raises an error: it stands in the exchange. What `Connection` means is settled in `request`.

    `gathers`: many streams may be read together, once a millisecond. Not where a client waits for the end of an answer
    to ask again: it would wait for longer.
    """
    loop = _Loop(
        address=address,
        requests=requests,
        users=users,
        finished=finished,
        gathers=gathers,
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
    lags = settle(loop.exchanges, loop.raw, loop.offsets)
    jump = max(offset for _, offset in loop.offsets) - min(offset for _, offset in loop.offsets)
    overhead = after.since(before, lags=lags, late=loop.late, jump=jump, by_kernel=loop.by_kernel)
    return Run(exchanges=tuple(loop.exchanges), begun=loop.begun, overhead=overhead)


@dataclass(kw_only=True, slots=True)
class _Stream:
    """A connection that is open."""

    exchange: Exchange
    socket: socket.socket
    rest: memoryview
    opened: float
    raw: list[Raw]
    careful: bool = True
    """Look closely at the next read: it is the first, or the answer says its length so that each may be the last."""


class _Loop:
    def __init__(
        self,
        *,
        address: Address,
        requests: Sequence[Outgoing],
        users: int,
        finished: Callable[[Iterable[tuple[float, bytes]]], bool],
        gathers: bool,
        clock: Callable[[], float],
        stall: float,
        request_timeout: float,
    ) -> None:
        self._clock = clock
        self._users = users
        self._finished = finished
        self._gathers = gathers
        self._stall = stall
        self._request_timeout = request_timeout
        self._look = min(_LOOK, stall / 4)
        self._where = _resolved(address)
        self._poll = select.epoll()
        self._streams: dict[int, _Stream] = {}
        self._now = 0.0
        self._reading: dict[int, tuple[_Receive, Callable[[Raw], None], _Stream]] = {}
        """Streams whose request is sent, with what is needed for a read."""
        self.by_kernel = True
        """Whether the kernel has said when each read came."""
        self.offsets: list[tuple[float, float]] = []
        """By how much the system's clock was ahead of ours, and when we looked."""
        self.late = array("d")
        """Seconds by which requests left late that were to leave at a moment."""
        self.begun = 0.0
        self.exchanges = [Exchange(due=request.due) for request in requests]
        self.raw: list[list[Raw]] = [[] for _ in requests]
        order = sorted(range(len(requests)), key=lambda number: requests[number].due)
        self._waiting = deque((self.exchanges[number], requests[number].data, self.raw[number]) for number in order)

    def go(self) -> None:
        """Run until each request is answered or given up."""
        poll, streams, clock = self._poll.poll, self._streams, self._clock
        look = self.begun = clock()
        for exchange in self.exchanges:
            exchange.due += self.begun
        self.offsets.append(clock_offset(clock))
        while self._waiting or streams:
            self._start_due()
            ready = poll(self._timeout())
            self._now = clock()
            self._attend(ready)
            if self._now >= look:
                self._give_up(self._now)
                self.offsets.append(clock_offset(clock))
                look = self._now + self._look
            if self._gathers and self.by_kernel and len(streams) > _ALONE:
                self._pause()
        self.offsets.append(clock_offset(clock))

    def close(self) -> None:
        for stream in list(self._streams.values()):
            self._end(stream, broken="the run was ended")
        self._poll.close()

    def _timeout(self) -> float:
        """Seconds until something is to do without the network's help."""
        if self._waiting and len(self._streams) < self._users:
            return min(self._look, max(0.0, self._waiting[0][0].due - self._clock()))
        return self._look

    def _pause(self) -> None:
        """Let bytes gather, but send nothing late."""
        pause = _TOGETHER
        if self._waiting and len(self._streams) < self._users:
            pause = min(pause, self._waiting[0][0].due - self._clock())
        if pause > 0:
            time.sleep(pause)

    def _start_due(self) -> None:
        while self._waiting and len(self._streams) < self._users and self._waiting[0][0].due <= self._clock():
            self._open(*self._waiting.popleft())

    def _open(self, exchange: Exchange, data: bytes, raw: list[Raw]) -> None:
        family, target = self._where
        now = self._clock()
        try:
            connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            exchange.broken = f"the connection broke: {error.strerror}"
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        stream = _Stream(exchange=exchange, socket=connection, rest=memoryview(data), opened=now, raw=raw)
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
            exchange.sent = self._clock()
            if self._users == UNLIMITED:  # otherwise it was sent as soon as somebody was free, whenever that was
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
            descriptor = stream.socket.fileno()
            self._poll.modify(descriptor, select.EPOLLIN)
            self._reading[descriptor] = (stream.socket.recvmsg, stream.raw.append, stream)

    def _attend(self, ready: Iterable[tuple[int, int]]) -> None:
        """Read what has come, and send on. This is what the client spends its time with."""
        reading, now = self._reading, self._now
        for descriptor, _ in ready:
            found = reading.get(descriptor)
            if found is None:
                self._send(self._streams[descriptor])
                continue
            receive, keep, stream = found
            try:
                data, notes, _, _ = receive(_READ, NOTE)
            except BlockingIOError:
                continue
            except OSError as error:
                self._end(stream, broken=_broken(error.errno))
                continue
            if not notes:
                if not data:
                    self._end(stream)
                    continue
                self.by_kernel, now = False, self._clock()
            keep((now, data, notes))
            if stream.careful or data.endswith(_ENDS) or len(data) < _SHORT:
                self._look_closely(stream)

    def _look_closely(self, stream: _Stream) -> None:
        """Is this the end? And must we go on asking at each read?"""
        raw = stream.raw
        if len(raw) == 1:
            stream.careful = b"content-length:" in raw[0][1][:4096].lower()
        if self._finished((at, data) for at, data, _ in raw):
            self._end(stream)

    def _give_up(self, now: float) -> None:
        for stream in list(self._streams.values()):
            if not stream.exchange.sent and now - stream.opened > CONNECT_TIMEOUT:
                self._end(stream, broken=f"the connection was not accepted within {CONNECT_TIMEOUT:g} s")
            elif now - max(stream.exchange.sent, stream.raw[-1][0] if stream.raw else 0.0) > self._stall:
                self._end(stream, broken=f"the server sent nothing for {self._stall:g} s")
            elif now - stream.opened > self._request_timeout:
                self._end(stream, broken=f"it was not finished after {self._request_timeout:g} s")

    def _end(self, stream: _Stream, *, broken: str = "") -> None:
        stream.exchange.broken = stream.exchange.broken or broken
        self._streams.pop(stream.socket.fileno())
        self._reading.pop(stream.socket.fileno(), None)
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
            return "the connection broke: nothing listens there"
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
