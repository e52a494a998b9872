"""What the load client itself used, and whether it was the bottleneck."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakehouse.measure.loadgen.percentiles import percentile

CPU_LIMIT = 0.7
"""Share of one core. The client is one thread: a queue before it that is 70 % busy holds 2 to 3 reads on average, one
that is 90 % busy holds 9, and each stamps the time of those behind it late."""
CPU_COUNTS_FROM = 0.25
"""Seconds. In a shorter run the share is that of preparing it."""
LAG_LIMIT = 0.01
"""Share of the shortest median time that is measured, where we stamp reads: lag moves such a time by as much."""
LAG_FLOOR = 0.001
"""Seconds. A lag below it is what any busy machine shows now and then; medians do not feel it."""
KERNEL_LAG_LIMIT = 0.5
"""The same share where the kernel stamps them. Lag moves no time then, until two tokens are read together."""
KERNEL_LAG_FLOOR = 0.010
"""Seconds."""
LATE_LIMIT = 0.010
"""Seconds by which 1 request in 20 may leave late before arrivals are no longer those that were asked for."""
JUMP_LIMIT = 0.001
"""Seconds by which the system's clock, which the kernel stamps bytes with, may move against ours."""
SUSPENDED_LIMIT = 0.001
"""Seconds that the machine may have slept (the monotonic clock stands still meanwhile)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientOverhead:
    """What the client used during one run. Seconds."""

    elapsed: float
    cpu: float
    """CPU time of this process."""
    waited: float | None
    """How long its thread was ready and no core was free (run delay in schedstat). None: this kernel does not say."""
    suspended: float
    lags: tuple[float, float, float] | None
    """Median, 95th and 99th percentile of the time between bytes and their stamp. None: the kernel does not say."""
    by_kernel: bool = False
    """Whether the kernel said when bytes came; otherwise we stamped them when we had read them."""
    jump: float = 0.0
    """By how much the system's clock moved against ours."""
    late: float
    """95th percentile of how late requests left."""

    @property
    def cpu_share(self) -> float:
        return self.cpu / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def fault(self) -> str:
        """Say why the client's figures are wrong, or nothing."""
        if self.suspended > SUSPENDED_LIMIT:
            return f"the machine slept for {self.suspended:.3g} s meanwhile"
        if self.by_kernel and self.jump > JUMP_LIMIT:
            return f"the system's clock was set, by {self.jump:.3g} s, meanwhile"
        if self.cpu_share > CPU_LIMIT and self.elapsed >= CPU_COUNTS_FROM:
            return (
                f"the load client used {self.cpu_share:.0%} of a core (more than {CPU_LIMIT:.0%} voids a measurement)"
            )
        return ""

    def lateness(self, shortest: float) -> str:
        """Say why the client's times are not sharp, or nothing. `shortest`: the shortest median time measured."""
        if self.by_kernel:
            allowed = max(KERNEL_LAG_FLOOR, KERNEL_LAG_LIMIT * shortest)
        else:
            allowed = max(LAG_FLOOR, LAG_LIMIT * shortest)
        if self.lags and self.lags[1] > allowed:
            return (
                f"the load client read {self.lags[1] * 1000:.2g} ms late (1 read in 20; "
                f"{allowed * 1000:.2g} ms are allowed)"
            )
        if self.late > max(LATE_LIMIT, allowed):
            return f"requests left {self.late * 1000:.2g} ms late (1 in 20): the server did not accept them in time"
        return ""

    def record(self) -> dict[str, Any]:
        """For a sample's `raw`."""
        return {
            "cpu_s": round(self.cpu, 6),
            "elapsed_s": round(self.elapsed, 6),
            "waited_s": None if self.waited is None else round(self.waited, 6),
            "lag_s": None if self.lags is None else [round(lag, 7) for lag in self.lags],
            "stamped_by": "kernel" if self.by_kernel else "client",
            "late_s": round(self.late, 6),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Counters at one moment."""

    monotonic: float
    with_sleep: float
    cpu: float
    waited: float | None

    def since(
        self,
        before: Moment,
        *,
        lags: Sequence[float] = (),
        late: Sequence[float] = (),
        jump: float = 0.0,
        by_kernel: bool = False,
    ) -> ClientOverhead:
        elapsed = self.monotonic - before.monotonic
        return ClientOverhead(
            elapsed=elapsed,
            cpu=self.cpu - before.cpu,
            waited=None if self.waited is None or before.waited is None else self.waited - before.waited,
            suspended=max(0.0, self.with_sleep - before.with_sleep - elapsed),
            lags=_three(lags),
            jump=jump,
            by_kernel=by_kernel and bool(lags),
            late=percentile(late, 95) if late else 0.0,
        )


def own_usage(*, root: Path = Path("/")) -> Moment:
    return Moment(
        monotonic=time.clock_gettime(time.CLOCK_MONOTONIC),
        with_sleep=time.clock_gettime(time.CLOCK_BOOTTIME),
        cpu=time.process_time(),
        waited=_run_delay(root),
    )


def _three(lags: Sequence[float]) -> tuple[float, float, float] | None:
    return (percentile(lags, 50), percentile(lags, 95), percentile(lags, 99)) if lags else None


def _run_delay(root: Path) -> float | None:
    try:
        words = (root / "proc/thread-self/schedstat").read_text(encoding="ascii").split()
        return int(words[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None
