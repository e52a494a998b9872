"""Settings from the environment: one variable for each field, with its type, and errors that name the variable."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

S = TypeVar("S", bound=BaseModel)
BAD_SETTINGS = 2
"""Exit status: the settings are wrong, and to start again would not help."""


class Settings(BaseModel):
    """What every service has. A service adds its own fields in a subclass; `PORT` sets `port`."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    host: str = "0.0.0.0"  # noqa: S104 - in a container, that is the point
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    model: Path
    """The model's file."""
    device: str = "cpu"
    """What the image was built for: `cpu`, `cuda`. Nothing else may silently run instead."""
    threads: Annotated[int, Field(ge=0)] = 0
    """Threads of one inference; 0: as many as this process may use."""
    max_body_bytes: Annotated[int, Field(gt=0)] = 1_048_576
    max_bodies_bytes: Annotated[int, Field(gt=0)] = 256 * 1_048_576
    """Of all requests that are held at a time."""
    receive_s: Annotated[float, Field(gt=0)] = 30.0
    """Seconds in which a request's body must have come."""
    max_batch: Annotated[int, Field(gt=0)] = 32
    """Items of one inference."""
    max_wait_ms: Annotated[float, Field(ge=0)] = 2.0
    """How long an item may wait for others to share its inference."""
    max_queue: Annotated[int, Field(gt=0)] = 512
    """Items that wait; more are told to come back."""
    image_digest: str = ""
    """The digest that the image was started by; nobody inside can know it. `/info` repeats it."""
    stop_grace_s: Annotated[float, Field(gt=0)] = 8.0
    """Seconds for the requests that were accepted, once the service is told to end."""


class PictureSettings(Settings):
    """What services that take pictures have beside."""

    max_body_bytes: Annotated[int, Field(gt=0)] = 20 * 1_048_576
    max_pixels: Annotated[int, Field(gt=0)] = 40_000_000
    """Of one picture; it is refused by its header, before it is decoded."""
    max_pictures: Annotated[int, Field(gt=0)] = 32
    """Pictures of one request."""
    decoders: Annotated[int, Field(ge=0)] = 0
    """Threads that decode and pre-process; 0: as many as this process may use."""


def read(model: type[S], environ: Mapping[str, str]) -> S:
    """Raises ValueError with a line for each variable that is wrong or missing."""
    given = {name: environ[name.upper()] for name in model.model_fields if environ.get(name.upper(), "") != ""}
    try:
        return model(**given)
    except ValidationError as error:
        raise ValueError(
            "\n".join(_line(one["loc"], one["type"], one["msg"], given) for one in error.errors())
        ) from None


def read_or_exit(model: type[S]) -> S:
    try:
        return read(model, os.environ)
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there is no log yet
        sys.exit(BAD_SETTINGS)


def usable_threads(wanted: int) -> int:
    """The setting, or what the scheduler and the container's CPU quota leave to this process."""
    if wanted:
        return wanted
    return max(1, min(len(os.sched_getaffinity(0)), _quota()))


def _quota(file: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    try:
        quota, period = file.read_text().split()
        return len(os.sched_getaffinity(0)) if quota == "max" else -(-int(quota) // int(period))
    except (OSError, ValueError):
        return len(os.sched_getaffinity(0))


def _line(path: tuple[int | str, ...], kind: str, message: str, given: Mapping[str, str]) -> str:
    name = str(path[0])
    if kind == "missing":
        return f"{name.upper()} is not set"
    return f"{name.upper()}={given.get(name, '')!r}: {message[:1].lower()}{message[1:]}"
