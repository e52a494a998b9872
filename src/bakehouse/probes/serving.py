"""How an image is told to serve a model, in the words of its family of servers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bakehouse.engine.container import Launch
from bakehouse.engine.devices import CPU, Devices
from bakehouse.formatting import size_in_bytes
from bakehouse.model.suite import Subject
from bakehouse.probes import ProbeFailed
from bakehouse.servers import SERVERS

MODELS = "/models"

PortFrom = Literal["image", "environment", "argument"]


def bare(
    subject: Subject,
    *,
    run: str,
    args: tuple[str, ...] = (),
    entrypoint: str | None = None,
    devices: Devices = CPU,
) -> Launch:
    """Start the program with these arguments only: no model, no port."""
    return Launch(
        reference=subject.reference,
        run=run,
        cell=subject.cell,
        args=args,
        entrypoint=entrypoint,
        env=dict(SERVERS[subject.server].software_environment) if devices.is_software else {},
        memory=size_in_bytes(subject.memory_limit),
        devices=devices,
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
    """Serve the subject's model, or nothing but itself where its recipe names none.

    The host is never given: an image that listens on its own loopback only is of no use. The port is given in the way
    that `port_from` says; with "image" the image's own default must be right.
    """
    path = f"{MODELS}/{Path(subject.model_path).name}" if subject.model_path else ""
    listens = port if port is not None and port_from != "image" else subject.port
    start, server = subject.start, SERVERS[subject.server]
    model_told, port_told = start.model or server.model, start.port or server.port
    inside = MODELS if path and model_told.folder else path
    told = bool(model_told.environment and not model_told.argument and inside)
    environment = subject.env | ({model_told.environment or "": inside} if told else {})
    environment |= server.software_environment if devices.is_software else {}
    if port_from == "environment" and port_told.environment:
        environment[port_told.environment] = str(listens)
    beside = {file: f"{MODELS}/{Path(file).name}" for file in subject.models_beside}
    mounts = {str(inside_recipe(Path(subject.recipe_folder), name)): there for name, there in subject.mounts.items()}
    return Launch(
        reference=subject.reference,
        run=run,
        cell=subject.cell,
        args=(
            *((model_told.argument, inside) if model_told.argument and inside else ()),
            *((port_told.argument, str(listens)) if port_from == "argument" and port_told.argument else ()),
            *args,
            *subject.args,
        ),
        env=environment,
        port=listens,
        files={**({subject.model_path: path} if subject.model_path else {}), **beside, **mounts},
        memory=memory if memory is not None else size_in_bytes(subject.memory_limit),
        shm=size_in_bytes(subject.shm) if subject.shm else None,
        cpus=cpus,
        devices=devices,
        platform=subject.platform,
        health_interval=health_interval,
    )


def inside_recipe(folder: Path, name: str) -> Path:
    """Raises ProbeFailed for a link that leads out of the recipe's folder."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ProbeFailed(f"{path} is a link that leads out of the recipe's folder")
    return path
