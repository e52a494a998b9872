"""What this machine's processor reaches when it only reads memory, and when it only multiplies.

A model's rates are held against it (`model/limit.py`). The reads are of as many bytes as the model has for each token,
so that a cache that holds the model holds them, too. The best of many short tries counts: what else runs makes tries
slower, and none quicker.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bakehouse.engine.host import cpu_name
from bakehouse.measure.cpu_usage import FOREIGN_LIMIT, machine_seconds, physical_cores, usable_cores
from bakehouse.system import atomic_write

SMALLEST, LARGEST = 4 * 2**20, 256 * 2**20
"""Bytes that are read at a time. Beyond the larger no cache of today holds them."""
READING, MULTIPLYING = 0.8, 0.9
"""Seconds for all tries of a kind."""
_SIDES = (256, 512, 1024, 2048)
"""Rows of the square matrices that are multiplied, single precision."""
_FEWEST = 3
"""Tries of each kind, however long they take."""

Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineSpeed:
    read: float
    """Bytes a second."""
    copy: float
    """The same of a copy, each byte counted twice: read and written."""
    products: float
    """Operations a second of a matrix product in single precision (float32)."""
    working_set: int
    """Bytes that were read at a time."""
    quiet: bool = True
    """Whether nothing else used the processor meanwhile."""


def known_speed(cache: Path, *, working_set: int) -> MachineSpeed | None:
    """What was measured before, when nothing else used the processor. None: it is to be measured."""
    known = _kept(_path(cache, _size_class(working_set)))
    return known if known is not None and known.quiet else None


def speed_of_machine(cache: Path, *, working_set: int) -> MachineSpeed:
    """Measured once for each machine and size, and again while others had a part in it; the best counts.

    Takes less than two seconds on an idle machine. Hold the processor's lease.
    """
    if (known := known_speed(cache, working_set=working_set)) is not None:
        return known
    size = _size_class(working_set)
    path = _path(cache, size)
    found = _better(measure_speed(size), _kept(path))
    with contextlib.suppress(OSError):  # then it is measured again
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write.write(path, json.dumps(asdict(found)))
    return found


def measure_speed(
    size: int, *, clock: Clock = time.perf_counter, threads: tuple[int, ...] | None = None
) -> MachineSpeed:
    """Read and copy so many bytes, then multiply matrices. `threads`: how many at a time are tried."""
    begun, others = clock(), _others()
    counts = threads or tuple(sorted({1, physical_cores(), usable_cores()}))
    source = np.ones(size // 8, dtype=np.uint64)
    target = np.ones(size // 8, dtype=np.uint64)
    read, copy = 0.0, 0.0
    for count in counts:
        with ThreadPoolExecutor(count) as pool:
            parts = list(zip(np.array_split(source, count), np.array_split(target, count), strict=True))
            seconds = READING / len(counts) / 2
            read = max(read, source.nbytes / _best(partial(_all, pool, _read, parts), seconds, clock))
            copy = max(copy, 2 * source.nbytes / _best(partial(_all, pool, _copy, parts), seconds, clock))
    return MachineSpeed(
        read=read,
        copy=copy,
        products=max(_products(clock)),
        working_set=size,
        quiet=(_others() - others) <= FOREIGN_LIMIT * usable_cores() * (clock() - begun),
    )


def _all(pool: ThreadPoolExecutor, work: Callable[[Any], None], parts: list[Any]) -> None:
    """Each part in a thread of its own."""
    for done in [pool.submit(work, part) for part in parts]:
        done.result()


def _read(part: tuple[Any, Any]) -> None:
    """Numpy's quickest way to look at every byte once."""
    np.bitwise_or.reduce(part[0])


def _copy(part: tuple[Any, Any]) -> None:
    np.copyto(part[1], part[0])


def _products(clock: Clock) -> Iterator[float]:
    """Operations a second, for each size of matrix that there is time for."""
    for side in _SIDES:
        one = np.ones((side, side), dtype=np.float32)
        yield 2.0 * side**3 / _best(partial(np.matmul, one, one), MULTIPLYING / len(_SIDES), clock)


def _best(work: Callable[[], object], seconds: float, clock: Clock) -> float:
    """The shortest of many tries, in seconds."""
    end, shortest, tries = clock() + seconds, float("inf"), 0
    while tries < _FEWEST or clock() < end:
        before = clock()
        work()
        shortest, tries = min(shortest, clock() - before), tries + 1
        if shortest > seconds:  # a slow machine: one try says enough
            break
    return max(shortest, 1e-9)


def _better(found: MachineSpeed, known: MachineSpeed | None) -> MachineSpeed:
    if known is None:
        return found
    return MachineSpeed(
        read=max(found.read, known.read),
        copy=max(found.copy, known.copy),
        products=max(found.products, known.products),
        working_set=found.working_set,
        quiet=found.quiet,
    )


def _path(cache: Path, size: int) -> Path:
    return cache / "speed" / f"{_fingerprint(size)}.json"


def _kept(path: Path) -> MachineSpeed | None:
    try:
        return MachineSpeed(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _size_class(working_set: int) -> int:
    """The power of two above it, within bounds: models of like size share a result."""
    return min(LARGEST, max(SMALLEST, 1 << max(0, working_set - 1).bit_length()))


def _others() -> float:
    """Seconds of CPU time that all others have used."""
    try:
        return machine_seconds() - time.process_time()
    except (OSError, ValueError):
        return 0.0


def _fingerprint(size: int) -> str:
    """Of what decides the result."""
    about = [cpu_name(Path("/")), usable_cores(), platform.machine(), os.uname().nodename, np.__version__, size]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:32]
