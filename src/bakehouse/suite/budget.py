"""The time that a run may take for testing and measuring, shared by all its cells. It outlives a run that is cut off.

What one measurement does not need, because its figures were exact sooner, is left for those after it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from bakehouse.model.report import Record
from bakehouse.model.suite import Client, Subject, Suite
from bakehouse.system import atomic_write

FILE = "time.json"
"""In the folder of the run's tests."""
RATES, LOADS, WORK = "rates", "loads", "work"
_WEIGHTS = {RATES: 2.0, LOADS: 1.0, WORK: 2.0}


class Spent(Record):
    """What the attempts at a run took."""

    attempts: Mapping[str, float] = Field(default_factory=dict)
    """By the moment at which it began: seconds until the last of its measurements that ended."""
    overhead: float | None = None
    """Seconds that the first cell's other tests took: each cell has them."""
    done: Sequence[str] = ()
    """Shares of the present attempt that were used."""
    turns: Mapping[str, float] = Field(default_factory=dict)
    """By share: seconds of its longest turn, of all attempts."""


class Budget:
    """Of one attempt. Only who holds the lease of the CPU measures, so that no two write at a time."""

    def __init__(
        self,
        path: Path,
        *,
        shares: Mapping[str, float],
        seconds: float | None,
        began: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`shares`: weight of each measurement, in the order in which they are taken. `seconds`: None: no limit.
        `began`: when the attempt did, by the clock.
        """
        self._path, self._shares, self._seconds, self._began, self._clock = path, shares, seconds, began, clock

    def begin(self, share: str) -> Callable[[], float]:
        """Give the seconds that are left of a share, from now on."""
        if self._seconds is None:
            return lambda: math.inf
        now, spent = self._clock(), read(self._path)
        if spent.overhead is None:
            spent = spent.model_copy(update={"overhead": now - self._began})
            self._write(spent)
        earlier = sum(took for attempt, took in spent.attempts.items() if attempt != f"{self._began:.3f}")
        names = list(self._shares)
        later = [name for name in names[names.index(share) :] if name not in spent.done]
        cells = len({name.partition(" ")[0] for name in later} - {share.partition(" ")[0]})
        left = self._seconds - earlier - (now - self._began) - cells * (spent.overhead or 0.0)
        weights = sum(self._shares[name] for name in later) or 1.0
        until = now + max(0.0, left) * self._shares[share] / weights
        return lambda: until - self._clock()

    def longest(self, share: str) -> float:
        """Seconds of its longest turn in an earlier attempt; 0 where there was none."""
        return read(self._path).turns.get(share, 0.0)

    def note(self, share: str, turn: float) -> None:
        """Note what is spent by now, and what a turn took: a run that is killed goes on with what is left."""
        self._note((), {share: turn})

    def end(self, share: str) -> None:
        """Note what is spent by now, and that the share is used."""
        self._note((share,))

    def _note(self, done: Sequence[str], turns: Mapping[str, float] | None = None) -> None:
        if self._seconds is not None:
            spent = read(self._path)
            attempts = dict(spent.attempts) | {f"{self._began:.3f}": self._clock() - self._began}
            longest = {share: max(took, spent.turns.get(share, 0.0)) for share, took in (turns or {}).items()}
            changes = {"attempts": attempts, "done": [*spent.done, *done], "turns": {**spent.turns, **longest}}
            self._write(spent.model_copy(update=changes))

    def _write(self, spent: Spent) -> None:
        atomic_write.write(self._path, spent.model_dump_json())


def shares_of(suite: Suite) -> dict[str, float]:
    """What is measured in a run, with its weight, in the order in which it is.

    Rates of tokens and of other work get twice the time of loads.
    """
    found: dict[str, float] = {}
    for subject in suite.subjects:
        found |= {f"{subject.cell} {kind}": _WEIGHTS[kind] for kind in _kinds(subject, suite.client)}
    return found


def _kinds(subject: Subject, client: Client) -> list[str]:
    asked = subject.workload
    if client != "bakehouse":
        return [LOADS] if asked else []
    tokens = [RATES, *([LOADS] if asked.loads else [])] if asked else []
    return [*tokens, *([WORK] if subject.work else [])]


def read(path: Path) -> Spent:
    """What was noted; nothing where the file is not there or torn."""
    try:
        return Spent.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return Spent()


def end_attempt(folder: Path, *, began: float, now: float) -> Spent:
    """Count an attempt as long as it took, and not until its last measurement alone."""
    path = folder / FILE
    spent = read(path)
    spent = spent.model_copy(update={"attempts": {**spent.attempts, f"{began:.3f}": now - began}})
    atomic_write.write(path, spent.model_dump_json())
    return spent


def begin_attempt(folder: Path) -> float:
    """Forget which shares an earlier attempt used; what it spent counts. Returns the seconds that it spent."""
    path = folder / FILE
    spent = read(path)
    if path.exists():
        atomic_write.write(path, spent.model_copy(update={"done": [], "overhead": None}).model_dump_json())
    return sum(spent.attempts.values())
