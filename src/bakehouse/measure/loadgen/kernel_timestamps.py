"""When bytes came: the kernel's own stamps (SO_TIMESTAMPNS), moved to the clock that everything else is timed with.

They are right even when this process had to wait for a core. They come from the system's clock, which can be set: so
the difference of the two clocks is checked all the time, and a jump is recorded.
"""

from __future__ import annotations

import bisect
import socket
import struct
import time
from array import array
from collections.abc import Callable, Sequence

from bakehouse.measure.loadgen.exchange import Exchange

SO_TIMESTAMPNS = 35
"""The option of a socket, which Python does not name."""
NOTE = socket.CMSG_SPACE(16)
"""Bytes that a stamp takes beside a read."""
_TIMESPEC = struct.Struct("qq")

Raw = tuple[float, bytes, list[tuple[int, int, bytes]]]
"""One read: when we read it, its bytes, and what the kernel said of them."""


def settle(
    exchanges: Sequence[Exchange], raw: Sequence[Sequence[Raw]], offsets: Sequence[tuple[float, float]]
) -> array[float]:
    """Give each read the time at which the kernel got it; returns how much later we read, in seconds.

    The offset of the clocks is the one that was found last before the read: they drift apart by microseconds.
    """
    lags = array("d")
    moments = [moment for moment, _ in offsets]
    for exchange, reads in zip(exchanges, raw, strict=True):
        for at, data, notes in reads:
            stamp = at
            for level, kind, value in notes:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(value) == _TIMESPEC.size:
                    seconds, nanoseconds = _TIMESPEC.unpack(value)
                    offset = offsets[max(0, bisect.bisect_right(moments, at) - 1)][1]
                    stamp = seconds + nanoseconds / 1e9 - offset
                    lags.append(max(0.0, at - stamp))  # negative: it came after our look at the clock
            exchange.reads.append((stamp, data))
    return lags


def clock_offset(clock: Callable[[], float]) -> tuple[float, float]:
    """By how much the system's clock is ahead of ours; of some looks the one that took least time.

    A look in the middle of which we had to wait for a core would be off by as much.
    """
    best = (float("inf"), 0.0, 0.0)
    for _ in range(5):
        before = clock()
        wall = time.time()
        after = clock()
        best = min(best, (after - before, after, wall - (before + after) / 2))
    return best[1], best[2]
