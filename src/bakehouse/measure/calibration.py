"""Three clocks side by side: the client's, the server's own timings, and a benchmark program in the same image. Pure.

Each container start gives one ratio of two of them, from medians of its repetitions; the median of the starts' ratios
is held against a gate. Beyond the gate the two disagree; whether one of them is wrong or both scatter, the spread of
the ratios says. What the three do differently stands in docs/measuring.md; none of it is corrected, because all
of it is real work of a server, and small beside the gates where the processor computes the model. What streaming
costs is larger there: so the answers that are held against the program, which sends nothing, come in one piece.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean, median, stdev
from typing import assert_never

from bakehouse.model.report import SERVER_TO_REFERENCE
from bakehouse.servers import REFERENCE
from bakehouse.stats import student
from bakehouse.stats.ratio import ratio_left

CLIENT_GATE = 0.01
"""Share by which the client's decode rate may differ from the server's."""
DECODE_GATE = 0.03
"""Share by which the server's decode rate may differ from the benchmark program's."""
PROMPT_GATE = 0.05
"""The same of the prompt rate. It is larger because a prompt is one short computation after a pause."""

HOST_WORK = 0.0005
"""Seconds of its own work, sampling above all, that a server may add to each step of a card, which a benchmark program
does not do. It is no fault, and on a card that takes a millisecond for a token it is far more than a gate. On the
processor it is inside the gates."""


LEAST_OF_REFERENCE = 2 / 3
"""Share of the benchmark program's rate from which on the same computing may have given a slower server's. Seen: 0.81,
where two processes of the same libraries use AMX; both are equal with AVX-512 alone. A server that fell back to another
device, or lost a thread of two, is below."""

Range = tuple[float, float]
_SAME = (
    "Look in both logs for the device, threads, batch sizes and flash attention, in the recipe's arguments for what "
    f"{REFERENCE} is not told, and at the cost of sampling"
)
_LEVEL = 0.95
_ENOUGH = 3
"""Starts whose ratios say how much they scatter."""


class ClockPair(StrEnum):
    """Which two clocks are compared: the first's rate / the second's."""

    CLIENT_SERVER = "client_to_server"
    SERVER_REFERENCE = SERVER_TO_REFERENCE

    @property
    def names(self) -> tuple[str, str]:
        match self:
            case ClockPair.CLIENT_SERVER:
                return "the client's clock", "the server's timings"
            case ClockPair.SERVER_REFERENCE:
                return "the server's timings", REFERENCE
            case _:
                assert_never(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """What came of one pair on one workload."""

    workload: str
    pair: ClockPair
    gate: float
    sides: Mapping[int, tuple[float, float]]
    """Both medians, by container start; only starts in which both have figures that count."""
    allowed: float = 0.0
    """Seconds a token that the first may take longer, whatever the gate says."""
    ranges: Mapping[int, tuple[Range, Range]] = field(default_factory=dict)
    """Lowest and highest of both, by container start."""
    is_disturbed: bool = False
    """Whether something else was at work while the figures of a side were taken: then it proves nothing wrong."""

    @property
    def ratios(self) -> dict[int, float]:
        """By container start."""
        return {start: first / second for start, (first, second) in self.sides.items()}

    @property
    def ratio(self) -> float | None:
        """Median of the starts' ratios; None: there is nothing to hold side by side."""
        return median(list(self.ratios.values())) if self.ratios else None

    @property
    def left(self) -> dict[int, float]:
        """By container start: the ratio without what the first does beside, as far as that explains it."""
        return {start: ratio_left(first, second, self.allowed) for start, (first, second) in self.sides.items()}

    @property
    def disagrees(self) -> bool:
        """Whether what is left of the difference is more than the gate."""
        return bool(self.sides) and abs(median(list(self.left.values())) - 1) > self.gate

    @property
    def contradicts(self) -> bool:
        """Whether the two differ by more than the gate and than both scatter: then one of them is wrong."""
        return self.disagrees and not self.is_disturbed and not self._is_within_scatter

    @property
    def is_scattered(self) -> bool:
        """Whether the two differ by more than the gate, and no more than both scatter: the figure is noisy."""
        return self.disagrees and not self.contradicts

    @property
    def falls_short(self) -> bool:
        """Whether the server contradicts the benchmark program by being slower, in a way that a server can be.

        That is a finding about the server and no doubt about its figures, as long as another clock confirms them.
        """
        is_of_server = self.pair is ClockPair.SERVER_REFERENCE and self.contradicts
        return is_of_server and LEAST_OF_REFERENCE <= median(list(self.left.values())) < 1

    @property
    def _is_within_scatter(self) -> bool:
        """From three starts on, whether the 95 % interval of their mean ratio (Student's t) reaches the gate.

        With fewer, whether the two sides' figures overlap; a single figure on each side says nothing of scatter.
        """
        logs = [math.log(ratio) for ratio in self.left.values()]
        if len(logs) >= _ENOUGH:
            reach = student.quantile((1 + _LEVEL) / 2, len(logs) - 1) * stdev(logs) / math.sqrt(len(logs))
            return abs(fmean(logs)) - reach <= math.log1p(self.gate)
        if not self.ranges:
            return True
        first, second = (self.range_of(side) for side in (0, 1))
        return first[0] <= second[1] * (1 + self.gate) and second[0] <= first[1] * (1 + self.gate)

    def range_of(self, side: int) -> Range:
        """Lowest and highest figure of the first (0) or the second (1) in all starts."""
        lows, highs = zip(*(both[side] for both in self.ranges.values()), strict=True)
        return min(lows), max(highs)

    def describe(self) -> str:
        """`tg128: the server's timings are 0.4 % below NAME (3 starts, 3 % allowed)`."""
        first, second = self.pair.names
        if self.ratio is None:
            return f"{self.workload}: {first} and {second} could not be held side by side"
        starts = f"{len(self.ratios)} start{'s' if len(self.ratios) > 1 else ''}"
        spread = ""
        if len(self.ratios) > 1:
            spread = f", {_signed(min(self.ratios.values()))} to {_signed(max(self.ratios.values()))}"
        own = f", or {self.allowed * 1e6:.3g} µs a token" if self.allowed else ""
        return (
            f"{self.workload}: by {first} it is {_by_how_much(self.ratio)} by {second} "
            f"({starts}{spread}; {_percent(self.gate)}{own} allowed)"
        )

    def reason(self) -> str:
        """Why figures of this workload are void or noisy, and what to look at; empty where the two agree."""
        return f"{self.describe()}. {self._look_at()}" if self.disagrees else ""

    def finding(self) -> str:
        """Of a server that falls short: what was found, and what to look at."""
        confirmed = f"Another clock confirms the server, so its rate counts; {REFERENCE} of the same image is faster"
        return f"{self.describe()}. {confirmed}. {_SAME}"

    def _look_at(self) -> str:
        if self.is_scattered:
            return "Both scatter by as much, so neither is shown to be wrong"
        match self.pair:
            case ClockPair.CLIENT_SERVER:
                return (
                    "Something between them holds chunks back or merges them: look at `chunks` and `client.lag_s` of "
                    "the samples in run.json"
                )
            case ClockPair.SERVER_REFERENCE:
                return f"They did not do the same: {_SAME[0].lower()}{_SAME[1:]}"
            case _:
                assert_never(self.pair)


def agreement(
    workload: str,
    pair: ClockPair,
    first: Mapping[int, Sequence[float]],
    second: Mapping[int, Sequence[float]],
    *,
    gate: float,
    allowed: float = 0.0,
    is_disturbed: bool = False,
) -> Agreement:
    """Hold two sides' rates, by container start, side by side. Rates that are not above 0 do not count."""
    sides, ranges = {}, {}
    for start in sorted(first.keys() & second.keys()):
        ours = [rate for rate in first[start] if rate > 0]
        theirs = [rate for rate in second[start] if rate > 0]
        if ours and theirs:
            sides[start] = (median(ours), median(theirs))
            ranges[start] = ((min(ours), max(ours)), (min(theirs), max(theirs)))
    known = ranges if any(low < high or len(ranges) > 1 for both in ranges.values() for low, high in both) else {}
    return Agreement(
        workload=workload,
        pair=pair,
        gate=gate,
        sides=sides,
        allowed=allowed,
        ranges=known,
        is_disturbed=is_disturbed,
    )


def _by_how_much(ratio: float) -> str:
    if ratio == 1:
        return "as high as"
    return f"{_percent(abs(ratio - 1))} {'higher' if ratio > 1 else 'lower'} than"


def _signed(ratio: float) -> str:
    return f"{(ratio - 1) * 100:+.2g} %"


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %"
