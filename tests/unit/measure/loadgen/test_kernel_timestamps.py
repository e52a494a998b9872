from __future__ import annotations

import socket
import struct
import time

import pytest

from bakehouse.measure.loadgen import kernel_timestamps
from bakehouse.measure.loadgen.exchange import Exchange


def note(seconds: int, nanoseconds: int) -> list[tuple[int, int, bytes]]:
    return [(socket.SOL_SOCKET, kernel_timestamps.SO_TIMESTAMPNS, struct.pack("qq", seconds, nanoseconds))]


def test_the_time_of_a_read_is_the_kernels_moved_to_our_clock() -> None:
    exchange = Exchange(due=0.0)
    # The system's clock was 1000 s ahead of ours, and later, after it was set, 990 s.
    raw = [(5.5, b"a", note(1005, 250_000_000)), (9.0, b"b", note(998, 0)), (9.5, b"c", [])]
    lags = kernel_timestamps.settle([exchange], [raw], [(4.0, 1000.0), (8.0, 990.0)])
    assert exchange.reads == [(5.25, b"a"), (8.0, b"b"), (9.5, b"c")]
    assert list(lags) == [0.25, 1.0]


def test_bytes_that_came_after_our_look_at_the_clock_did_not_come_late() -> None:
    exchange = Exchange(due=0.0)
    lags = kernel_timestamps.settle([exchange], [[(5.0, b"a", note(1005, 1000))]], [(4.0, 1000.0)])
    assert list(lags) == [0.0]
    assert exchange.reads[0][0] == pytest.approx(5.000001)


def test_the_offset_of_the_clocks() -> None:
    moment, offset = kernel_timestamps.clock_offset(time.perf_counter)
    assert moment + offset == pytest.approx(time.time(), abs=1.0)
