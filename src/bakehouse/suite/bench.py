"""Servers that are started to be measured: everything that could change a rate is pinned and recorded."""

from __future__ import annotations

import contextlib
import functools
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from bakehouse.engine.connection import Engine
from bakehouse.engine.container import start
from bakehouse.engine.devices import CPU
from bakehouse.engine.docker import Docker
from bakehouse.errors import InputError
from bakehouse.measure.calibration import HOST_WORK
from bakehouse.measure.cpu_usage import Usage, Watched, physical_cores
from bakehouse.measure.loadgen import workloads
from bakehouse.model.recipe import Load
from bakehouse.model.suite import Workload
from bakehouse.model_files.gguf.header import read_header
from bakehouse.model_files.gguf.work import Work, context
from bakehouse.probes.calibrate import Benched, Reference
from bakehouse.probes.lengths import Lengths
from bakehouse.probes.measured_server import MeasuredServer
from bakehouse.probes.series import Samples
from bakehouse.probes.serving import serving
from bakehouse.servers import SERVERS
from bakehouse.servers.reference import ReferenceTool
from bakehouse.suite.bench_base import BenchBase
from bakehouse.suite.watched_server import watched

BENCH_TIMEOUT = 1800.0
"""Seconds. A model of some GiB on two slow cores."""
_TO_END = 60.0
"""Seconds until the engine, too, knows that a process has ended."""
_LOOK = 0.2
_SMALL_VOCABULARY = 1024
"""Tokens. The 256 bytes and some control tokens; vocabularies that were learnt have ten thousand and more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchTool:
    """The benchmark program that the image holds."""

    tool: ReferenceTool
    engine: Engine


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench(BenchBase):
    """Measures rates of tokens."""

    workload: Workload
    tool: BenchTool | None = None
    """What is to run beside each start."""
    is_served: bool = False
    """Whether somebody else started the server, with arguments of his own."""

    @property
    def starts(self) -> int:
        """Container starts that are wanted."""
        return self.workload.starts

    def samples(self, name: str, load: Load | None = None) -> Samples:
        """Where those of a series go: of pp and tg, or of a load."""
        return self.samples_of(name, self.settings(load))

    @property
    def reference(self) -> Reference | None:
        return partial(self._run_tool, self.tool) if self.tool else None

    @property
    def host_work(self) -> float:
        """Seconds that the server may add to each step; see HOST_WORK."""
        return HOST_WORK if self.devices.card else 0.0

    @property
    def warm_ups(self) -> int:
        """Of each workload: the first two of each length are slow on a card, which captures graphs."""
        return 2 if self.devices.card else 1

    @property
    def lengths(self) -> Lengths | None:
        """How long prompts and answers may become; None where the processor plays a card, which is slow enough, or
        nobody knows how much the server holds.
        """
        if self.devices.is_software or self.is_served:
            return None
        return Lengths(asked=self.workload, context=self._context(None))

    @contextlib.contextmanager
    def start(self, load: Load | None = None) -> Iterator[MeasuredServer]:
        """Start a fresh server, ready to be measured, and remove it. Raises ProbeFailed when it does not get ready.

        For pp and tg, or for a load.
        """
        arguments = tuple(itertools.chain.from_iterable(self._pinned(load).items()))
        launch = serving(self.subject, run=self.run, args=arguments, devices=self.devices)
        about, devices = self.subject, self.devices
        with self.open_server(launch, subject=about, devices=devices, log=self.log()) as served:
            yield served

    def _run_tool(self, bench: BenchTool, repetitions: int, shapes: Sequence[workloads.TokenWorkload]) -> Benched:
        """Run it once, with the server's settings. Raises InfrastructureError and WillNotStartError."""
        tool, engine = bench.tool, bench.engine
        program = PurePosixPath(Docker(engine).image(self.subject.reference).entrypoint[0])
        launch = replace(serving(self.subject, run=self.run, devices=self.devices), port=None)
        inside = next(iter(launch.files.values()))
        launch = replace(
            launch,
            args=tool.arguments(
                inside,
                prompts=[one.prompt_tokens for one in shapes if one.output_tokens == 1],
                answers=[one.output_tokens for one in shapes if one.output_tokens > 1],
                pinned=self._pinned(None),
                repetitions=repetitions,
            ),
            entrypoint=str(program.parent / tool.program),
        )
        with start(engine, launch, log=self.log()) as container:
            pid = container.state().pid
            with watched(pid, self.devices) as watch:
                watch.start()
                usage = _last_usage(watch, Path(f"/proc/{pid}"), timeout=BENCH_TIMEOUT) if pid else None
            ended = container.wait(timeout=_TO_END if usage else BENCH_TIMEOUT)
            return Benched(tool=tool, output=container.logs(), exit_code=ended.exit_code if ended else -1, usage=usage)

    def settings(self, load: Load | None = None) -> dict[str, Any]:
        """What must be equal for two measurements to be compared."""
        return {
            "model_sha256": self.workload.model_sha256,
            **(
                load.model_dump(mode="json")
                if load
                else {"prompt_tokens": self.workload.prompt_tokens, "output_tokens": self.workload.output_tokens}
            ),
            "arguments": {"as": "somebody else started it"} if self.is_served else self._pinned(load),
            "recipe_arguments": list(self.subject.args),
            "memory_limit": self.subject.memory_limit,
            "device": self.devices.name,
        }

    def _pinned(self, load: Load | None) -> dict[str, str]:
        if self.is_served:
            return {}
        pinned = SERVERS[self.subject.server].pinned_arguments(
            slots=workloads.slots(load) if load else 1,
            context=self._context(load),
            threads=physical_cores(),
            offloads=self.devices != CPU,
        )
        return dict(pinned)

    def _context(self, load: Load | None) -> int:
        """Tokens that the server holds, for all its slots together."""
        card = self.devices.card
        model = self.workload.model_path
        return workloads.context_size(
            self.workload,
            load=load,
            room=_room(model, card.memory) if card else 0,
            tokens_per_word=_tokens_per_word(model),
        )


@functools.lru_cache(maxsize=8)
def _work(model: str) -> Work | None:
    """None: it is no GGUF, or cannot be read."""
    try:
        return Work(read_header(Path(model)))
    except (InputError, OSError):
        return None


def _room(model: str, memory: int | None) -> int:
    """Tokens of context that a card with so much memory is given; 0: no more than is asked for."""
    work = _work(model)
    try:
        return context(work, memory) if work else 0
    except InputError:
        return 0


def _tokens_per_word(model: str) -> int:
    """Tokens that a word of English takes at most. A vocabulary of little more than the bytes has one for each."""
    work = _work(model)
    known = work.vocabulary if work else None
    return workloads.BYTES_PER_WORD if known and known < _SMALL_VOCABULARY else workloads.TOKENS_PER_WORD


def _last_usage(watch: Watched, process: Path, *, timeout: float, look: float = _LOOK) -> Usage | None:
    """Wait until a process has ended; what it and others used until just before. None: it cannot be seen."""
    deadline = time.monotonic() + timeout
    usage = None
    while process.exists() and time.monotonic() < deadline:
        time.sleep(look)
        now = watch.usage()
        usage = now if now.container is not None else usage
    return usage
