"""How an image is told to serve a model: the words of llama-server, which vLLM shares for model, host and port."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ByteSize, TypeAdapter

from bakehouse.engine.container import Launch
from bakehouse.engine.devices import CPU, Devices
from bakehouse.model.suite import Subject

MODELS = "/models"
OTHER_PORT_ENV = "LLAMA_ARG_PORT"

PortFrom = Literal["image", "environment", "argument"]

_BYTES = TypeAdapter(ByteSize)


def memory_bytes(size: str) -> int:
    """`4 GiB` in bytes."""
    return int(_BYTES.validate_python(size))


def bare(subject: Subject, *, run: str, args: tuple[str, ...] = (), entrypoint: str | None = None) -> Launch:
    """Start the program with these arguments only: no model, no port."""
    return Launch(
        reference=subject.reference,
        run=run,
        cell=subject.cell,
        args=args,
        entrypoint=entrypoint,
        memory=memory_bytes(subject.memory_limit),
        platform=subject.platform,
    )


def serving(
    subject: Subject,
    *,
    run: str,
    args: tuple[str, ...] = (),
    devices: Devices = CPU,
    port: int | None = None,
    port_from: PortFrom = "image",
    cpus: float | None = None,
    memory: int | None = None,
    health_interval: int | None = None,
) -> Launch:
    """Serve the subject's model.

    The host is never given: an image that listens on its own loopback only is of no use. The port is given in the way
    that `port_from` says; with "image" the image's own default must be right.
    """
    if subject.model_path is None:
        raise ValueError(f"{subject.cell} has no model; the suite skips such tests")
    inside = f"{MODELS}/{Path(subject.model_path).name}"
    listens = port if port is not None and port_from != "image" else subject.port
    return Launch(
        reference=subject.reference,
        run=run,
        cell=subject.cell,
        args=(
            *("--model", inside),
            *(("--port", str(listens)) if port_from == "argument" else ()),
            *args,
            *subject.args,
        ),
        env={OTHER_PORT_ENV: str(listens)} if port_from == "environment" else {},
        port=listens,
        files={subject.model_path: inside},
        memory=memory if memory is not None else memory_bytes(subject.memory_limit),
        cpus=cpus,
        devices=devices,
        platform=subject.platform,
        health_interval=health_interval,
    )
