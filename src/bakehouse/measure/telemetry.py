"""Watches the machine and the card while something is measured, in a thread that costs little.

Levels are read every half second; totals and states at both ends, too. What the machine does not report is recorded as
`unsupported`, never as 0.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from bakehouse.machine.card_sensors import HOT
from bakehouse.machine.sensors import Sensors
from bakehouse.measure.cpu_usage import Trouble, Usage, Watched
from bakehouse.model.enums import Disturbance

OTHERS = "gpu_others"
LONGEST_STEP = 1.2
"""Seconds. NVML's accounts of who computed have steps of up to a second: a shorter watch may have seen none."""
AFTERWARDS = 0.3
"""Seconds between the end of what is measured and the last look: accounts are behind."""
INTERVAL = 0.5
"""Seconds between two looks. One look at a card takes a few milliseconds, at a processor less than one."""
UNSUPPORTED = "unsupported"
CARD_ENERGY = "gpu_energy_j"
PROCESSOR_ENERGY = "cpu_energy_j"
"""Of all packages, with whatever else runs on them."""


@dataclass(kw_only=True, slots=True)
class _Window:
    """What was seen since a moment."""

    totals: dict[str, float]
    levels: dict[str, list[float]] = field(default_factory=dict)
    states: dict[str, set[str]] = field(default_factory=dict)
    own: float = 0.0
    """Seconds of CPU time that looking took."""


class Telemetry:
    """Looks at sensors from `with` to its end; `start` begins a window, `summary` says what was seen in it."""

    def __init__(self, sensors: Sensors, *, interval: float = INTERVAL) -> None:
        self._sensors, self._interval = sensors, interval
        self._window = _Window(totals={})
        self._whole: dict[str, set[str]] = {}
        self._began = time.monotonic()
        self._busy = threading.Lock()
        self._over = threading.Event()

    @contextlib.contextmanager
    def running(self) -> Iterator[Telemetry]:
        thread = threading.Thread(target=self._go, name="telemetry", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def start(self) -> None:
        with self._busy:
            for name, state in self._sensors.states.items():  # what was before does not count in this window
                self._whole.setdefault(name, set()).update(state() or ())
            self._window = _Window(totals=self._totals())
            self._look()

    def summary(self) -> dict[str, Any]:
        """For a sample's `raw`: levels as [lowest, median, highest], totals as differences, states as lists."""
        with self._busy:
            self._look()
            window, now = self._window, self._totals()
        found: dict[str, Any] = dict.fromkeys(sorted(self._sensors.missing), UNSUPPORTED)
        for name, values in window.levels.items():
            found[name] = [_short(value) for value in (min(values), median(values), max(values))]
        for name, before in window.totals.items():
            if name in now:
                found[name] = _short(now[name] - before)
        for name, words in window.states.items():
            found[name] = sorted(words)
        return found | {"looking_cpu_s": _short(window.own)}

    def ever(self, name: str, *, sleep: Callable[[float], None] = time.sleep) -> list[str] | None:
        """What a state was at any moment since the beginning, between windows as well. None: nothing tells.

        Looks once more, after a moment, and not before the watch was long enough to have seen something.
        """
        if name not in self._sensors.states:
            return None
        sleep(max(AFTERWARDS, LONGEST_STEP - (time.monotonic() - self._began)))
        with self._busy:
            self._look()
            return sorted(self._whole.get(name, ()))

    def _go(self) -> None:
        while not self._over.wait(self._interval):
            with self._busy:
                self._look()

    def _look(self) -> None:
        before = time.thread_time()
        window = self._window
        for name, level in self._sensors.levels.items():
            if (value := level()) is not None:
                window.levels.setdefault(name, []).append(value)
        for name, state in self._sensors.states.items():
            if (words := state()) is not None:
                window.states.setdefault(name, set()).update(words)
                self._whole.setdefault(name, set()).update(words)
        window.own += time.thread_time() - before

    def _totals(self) -> dict[str, float]:
        return {name: value for name, total in self._sensors.totals.items() if (value := total()) is not None}


class Watch:
    """The CPU's accounts (`Meter`) and telemetry of the same window. `energy`: the total that is the device's."""

    def __init__(self, meter: Watched, telemetry: Telemetry, *, energy: str = PROCESSOR_ENERGY) -> None:
        self._meter, self._telemetry, self._energy = meter, telemetry, energy

    def start(self) -> None:
        self._telemetry.start()
        self._meter.start()

    def others(self) -> list[str] | None:
        """Who else computed on the card at any moment since the watch began. None: no card, or it is silent."""
        return self._telemetry.ever(OTHERS)

    def usage(self) -> Usage:
        usage = self._meter.usage()
        seen = self._telemetry.summary()
        joules = seen.get(self._energy)
        return replace(
            usage,
            telemetry=seen,
            trouble=trouble(seen),
            joules=joules if isinstance(joules, float) else None,
        )


def trouble(seen: dict[str, Any]) -> Trouble | None:
    """What makes this window noisy or void: others that computed on the card make it wrong, heat makes it noisy."""
    others, throttled = _list(seen, "gpu_others"), HOT & set(_list(seen, "gpu_throttled"))
    if others:
        return Trouble(reason=f"other processes computed on the card meanwhile: {', '.join(others)}")
    if throttled:
        return Trouble(
            kind=Disturbance.HEAT,
            reason=f"the card throttled itself meanwhile ({', '.join(sorted(throttled))}): look at its cooling and "
            "its power",
        )
    times = seen.get("cpu_throttled_times")
    if isinstance(times, int | float) and times > 0:
        reason = f"the processor throttled itself {times:g} times meanwhile, because it was too hot"
        return Trouble(kind=Disturbance.HEAT, reason=reason)
    return None


def _list(seen: dict[str, Any], name: str) -> list[str]:
    value = seen.get(name)
    return value if isinstance(value, list) else []


def _short(value: float) -> float:
    return float(f"{value:.6g}")
