"""Models that are loaded when they are needed, within a budget of bytes; put away by priority, then by age."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from service.errors import RETRY_AFTER
from service.logs import log
from service.refused import Refused

from enrichment.memory import Meter
from enrichment.work import Work

M = TypeVar("M")
MIB = 1 << 20


class Priority(IntEnum):
    """Lower ones are put away first; what is critical is put away for nothing but what is critical."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    CRITICAL = 3


class Entry(Protocol):
    """What the zoo needs to know of a model."""

    @property
    def name(self) -> str: ...

    @property
    def priority(self) -> Priority: ...

    @property
    def file(self) -> Path: ...


@dataclass(kw_only=True, slots=True)
class _Loaded(Generic[M]):
    model: M
    bytes: int
    used: float
    users: int = 0


class Zoo(Generic[M]):
    """`load` loads and warms up a model; `meter` says how many bytes are in use. Used by several threads."""

    def __init__(
        self,
        entries: Mapping[str, Entry],
        *,
        load: Callable[[str], M],
        meter: Meter,
        budget: int,
        patience: float,
        work: Work | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries = entries
        self._load = load
        self._meter = meter
        self.budget = budget
        self._patience = patience
        self._work = work or Work()
        self._clock = clock
        self._loaded: dict[str, _Loaded[M]] = {}
        self._known: dict[str, int] = {}
        self._changed = threading.Condition()
        self._loading = threading.Lock()
        self.loads: dict[str, int] = dict.fromkeys(entries, 0)
        self.evictions: dict[str, int] = dict.fromkeys(entries, 0)

    @contextmanager
    def using(self, name: str) -> Iterator[M]:
        """The model, which stays as long as it is used.

        Raises Refused: 422 for an unknown name, 503 for a file that is not there or where nothing may make room, 507
        for a model that is larger than the budget.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise Refused(422, f"there is no model {name!r}; there is {', '.join(self._entries)}")
        held = self._held(entry)
        try:
            yield held.model
        finally:
            with self._changed:
                held.users -= 1
                held.used = self._clock()
                self._changed.notify_all()

    @property
    def used(self) -> int:
        """Bytes of all that is loaded."""
        return sum(one.bytes for one in self._loaded.values())

    def status(self) -> dict[str, dict[str, object]]:
        """Of each model: whether it is loaded, its bytes where they were measured, and how often it came and went."""
        with self._changed:
            return {name: self._status(entry) for name, entry in self._entries.items()}

    def _status(self, entry: Entry) -> dict[str, object]:
        held = self._loaded.get(entry.name)
        return {
            "loaded": held is not None,
            "priority": entry.priority.name.lower(),
            "bytes": held.bytes if held else self._known.get(entry.name),
            "idle_s": round(self._clock() - held.used, 3) if held else None,
            "in_use": held.users if held else 0,
            "loads": self.loads[entry.name],
            "evictions": self.evictions[entry.name],
            "file": entry.file.name,
            "file_is_there": entry.file.is_file(),
        }

    def _held(self, entry: Entry) -> _Loaded[M]:
        """Loading is one at a time, since it is measured; what is loaded already does not wait for it."""
        if held := self._taken(entry.name):
            return held
        with self._work.resting():
            self._loading.acquire()
        try:
            return self._taken(entry.name) or self._brought(entry)
        finally:
            self._loading.release()

    def _taken(self, name: str) -> _Loaded[M] | None:
        with self._changed:
            held = self._loaded.get(name)
            if held:
                held.users += 1
                held.used = self._clock()
            return held

    def _brought(self, entry: Entry) -> _Loaded[M]:
        if not entry.file.is_file():
            raise Refused(503, f"MODEL: there is no file {entry.file}; mount it", headers=RETRY_AFTER)
        self._make_room(entry, self._known.get(entry.name, entry.file.stat().st_size))
        model, size = self._measured(entry)
        try:
            self._make_room(entry, size)
        except Refused:
            del model
            raise
        with self._changed:
            held = self._loaded[entry.name] = _Loaded(model=model, bytes=size, used=self._clock(), users=1)
            self.loads[entry.name] += 1
        log("model loaded", model=entry.name, bytes=size, used=self.used, budget=self.budget)
        return held

    def _measured(self, entry: Entry) -> tuple[M, int]:
        """The model and its bytes, which are measured once, while nobody else works.

        Raises Refused where somebody did, and so much was allocated that nothing can be said.
        """
        if known := self._known.get(entry.name):
            return self._load(entry.name), known
        with self._work.alone(self._patience) as is_alone:
            before = self._meter()
            model = self._load(entry.name)
            size = max(self._meter() - before, entry.file.stat().st_size)
        if is_alone:
            self._known[entry.name] = size
        elif size > self.budget:
            del model
            raise Refused(503, f"{entry.name} could not be measured beside other work", headers=RETRY_AFTER)
        return model, size

    def _make_room(self, entry: Entry, size: int) -> None:
        if size > self.budget:
            raise Refused(507, f"{entry.name} takes {_mib(size)}; BUDGET_GB allows {_mib(self.budget)}")
        until = self._clock() + self._patience
        with self._changed:
            while self.used + size > self.budget:
                if victim := self._victim(entry):
                    self._put_away(victim)
                elif not self._changed.wait(until - self._clock()) and self._clock() >= until:
                    raise Refused(503, self._why_not(entry, size), headers=RETRY_AFTER)

    def _victim(self, entry: Entry) -> str | None:
        """Of those that nobody uses: the lowest priority, and of these the one that was used longest ago."""
        idle = [name for name, held in self._loaded.items() if not held.users and self._may_go(name, entry)]
        return min(idle, key=lambda name: (self._entries[name].priority, self._loaded[name].used), default=None)

    def _may_go(self, name: str, entry: Entry) -> bool:
        return self._entries[name].priority < Priority.CRITICAL or entry.priority == Priority.CRITICAL

    def _put_away(self, name: str) -> None:
        held = self._loaded.pop(name)
        self.evictions[name] += 1
        log("model put away", model=name, bytes=held.bytes, used=self.used, budget=self.budget)

    def _why_not(self, entry: Entry, size: int) -> str:
        stay = ", ".join(sorted(self._loaded))
        return f"{entry.name} takes {_mib(size)}, and {stay} (critical or in use) leave no room for it"


def _mib(size: int) -> str:
    return f"{size / MIB:.1f} MiB"
