"""A server that is started to be watched: its log, its start and what the card's driver says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bakehouse.engine.connection import Engine
from bakehouse.engine.container import Container, start
from bakehouse.engine.devices import Devices
from bakehouse.engine.docker import Docker
from bakehouse.machine.telemetry import held
from bakehouse.measure.loadgen.client import RequestFailedError, complete
from bakehouse.measure.loadgen.workloads import Request
from bakehouse.model.suite import Subject
from bakehouse.probes import ProbeFailed
from bakehouse.probes.health import wait_serving
from bakehouse.probes.jit import CACHES, SHADERS, needed_jit
from bakehouse.probes.serving import serving
from bakehouse.servers.device_log import DeviceLog, ModelPlacement

_A_FEW_TOKENS = Request(prompt=(1, 2, 3, 4), output_tokens=2)
"""One graph for the prompt, one for the next token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerboseServer:
    """What was seen of a server that served a request."""

    model: ModelPlacement
    healthy: float
    """Seconds until it was ready."""
    held: int | None
    """Bytes of the card's memory that the driver says it holds; None: it does not say."""
    path: Path
    """The server's log."""


def observe(
    engine: Engine,
    subject: Subject,
    server_log: DeviceLog,
    devices: Devices,
    *,
    run: str,
    log: Path,
    nvml: Any | None = None,
    env: Mapping[str, str] | None = None,
) -> VerboseServer:
    """Serve one request, verbosely. Raises ProbeFailed when it does not, and says if it lacked native code."""
    launch = serving(subject, run=run, args=server_log.verbose_arguments, devices=devices)
    launch = replace(launch, env={**launch.env, **server_log.verbose_environment, **(env or {})})
    with start(engine, launch, log=log) as container:
        try:
            startup = wait_serving(container, subject.health, memory_limit=subject.memory_limit)
            _answer(container)
        except ProbeFailed as error:
            sets = Docker(engine).image(subject.reference).env
            said = container.logs()
            raise needed_jit(error, said, device=devices.name, archs=subject.archs, environment=sets) from error
        card = devices.card
        return VerboseServer(
            model=server_log.placed(container.logs()),
            healthy=startup.healthy,
            held=held(container.state().pid, card, nvml=nvml) if card else None,
            path=log,
        )


def keeping_shaders(devices: Devices, folder: Path) -> Devices:
    """Let containers keep what a driver has compiled in a folder of this machine, which any user may write to."""
    folder.chmod(0o777)
    return replace(devices, env={**devices.env, **CACHES}, folders={str(folder): SHADERS})


def _answer(container: Container) -> None:
    try:
        complete(container.url, _A_FEW_TOKENS)
    except RequestFailedError as error:
        raise ProbeFailed(f"it was ready and did not answer: {error}") from error
