"""How many repetitions a start gets, from how long one takes and how much time is left.

More starts tell more than more repetitions in each, since repetitions cannot show what differs between starts. So a
start is kept short enough that the wanted number of them fits in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bakehouse.probes.series import for_ever

LEAST = 2
"""Repetitions in a start, where there is time for them: one says nothing of its spread."""
_IN_ONE_PIECE = 1.3
"""What the answers that the reference is held against add to a repetition: another tg, which is a third of it."""


@dataclass(kw_only=True, slots=True)
class Pace:
    """Of one series. Seconds."""

    starts: int = 1
    """Wanted."""
    left: Callable[[], float] = for_ever
    each: float = 0.0
    """Of one repetition, as the latest warm-up had it."""
    is_cut: bool = False
    """Whether answers are cut: then the reference, which cuts none, would take far longer than they do."""
    chosen: int | None = None
    """Repetitions in each start: those of the first, so that starts can be compared."""

    def choose(self, warm_up: float, number: int, *, most: int, is_held: bool) -> int:
        """Repetitions of a start whose warm-up took so long. 0: not even one fits in any more.

        `is_held`: the reference does as much beside it, and warms up as well.
        """
        self.each = warm_up * (_IN_ONE_PIECE if is_held else 1.0)
        left = self.left()
        if left < self.each:
            return 0
        if self.chosen is None:
            self.chosen = most
            if self.each > 0 and math.isfinite(left):
                share = left / max(1, self.starts - number) / self.each
                fit = (share - 1) / 2 if is_held else share
                self.chosen = max(min(LEAST, most), min(most, math.floor(fit)))
        return self.chosen

    @property
    def is_limited(self) -> bool:
        """Whether there is an end to the time at all."""
        return math.isfinite(self.left())

    def tokens(self, each: float, *, most: int, least: int) -> int:
        """How long an answer may be at so many seconds a token: three of them, one to warm up, are to fit in."""
        left = self.left()
        if each <= 0 or most * each * 3 <= left:
            return most
        self.is_cut = True
        return min(most, max(least, math.floor(left / 3 / each)))

    @property
    def is_over(self) -> bool:
        """Whether another repetition would end too late."""
        return self.left() < self.each

    @property
    def is_known(self) -> bool:
        """Whether it is known how long a repetition takes, or does not matter."""
        return self.each > 0 or not self.is_limited

    def of_reference(self, most: int) -> int:
        """Repetitions of the reference, which warms up with one more; 0: there is no time for it."""
        wanted = self.chosen or most
        left = self.left()
        if math.isinf(left):
            return wanted
        if self.is_cut or not self.is_known:
            return 0
        return min(wanted, max(0, math.floor(left / self.each) - 1))
