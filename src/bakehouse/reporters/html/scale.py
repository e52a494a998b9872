"""From values to places on an axis. Places are per cent of the drawing's width, so that it fits any screen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_EDGE = 6.0
"""Per cent: a label nearer to an edge than this is aligned with it, so that it is not cut."""
_NICE_SECONDS = (
    *(step * 10.0**power for power in (-4, -3, -2, -1) for step in (1, 2, 5)),
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    x: float
    label: str
    anchor: Literal["start", "middle", "end"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """`low` lies `margin` per cent from the left edge, `high` as far from the right."""

    low: float
    high: float
    margin: float = 0.0

    def place(self, value: float) -> float:
        """Per cent of the width; values outside are put on the nearer end."""
        if self.high <= self.low:
            return 50.0
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.margin + share * (100 - 2 * self.margin), 3)

    def ticks(self, steps: float, label: Callable[[float], str]) -> tuple[Tick, ...]:
        """At the multiples of `steps` that the axis holds."""
        first, last = math.ceil(self.low / steps - 1e-9), math.floor(self.high / steps + 1e-9)
        return tuple(self._tick(number * steps, label) for number in range(first, last + 1))

    def _tick(self, value: float, label: Callable[[float], str]) -> Tick:
        x = self.place(value)
        anchor: Literal["start", "middle", "end"] = "start" if x < _EDGE else "end" if x > 100 - _EDGE else "middle"
        return Tick(x=x, label=label(value), anchor=anchor)


def nice_step(extent: float, *, most: int = 4) -> float:
    """The smallest of 1, 2, 2.5, 5 x 10^n that gives at most `most` intervals."""
    if extent <= 0 or not math.isfinite(extent):
        return 1.0
    rough = extent / most
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _NICE if step * power >= rough * (1 - 1e-9))


def nice_seconds(extent: float, *, most: int = 4) -> float:
    """Like `nice_step`, in steps that a clock knows."""
    return next((step for step in _NICE_SECONDS if extent / step <= most), nice_step(extent, most=most))
