"""BAKEHOUSE_BUILDER: a builder of buildx that builds in the engine's place: remote, kubernetes or docker-container.

What it built comes into the engine as an archive, with the digest that the builder gave it, and everything after the
build is as with the engine's own builder. https://docs.docker.com/build/builders/drivers/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bakehouse.engine.connection import Engine
from bakehouse.errors import EngineError, InputError
from bakehouse.system import process

VARIABLE = "BAKEHOUSE_BUILDER"
PATIENCE = 600.0
"""Seconds until it answers: a cluster may have to fetch BuildKit first."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")
_DRIVER = re.compile(r"^Driver:\s*(\S+)", re.MULTILINE)
_PLATFORMS = re.compile(r"^Platforms:\s*(.+)$", re.MULTILINE)
_NO_SUCH = re.compile(r"no builder .* found")
_IN_ENGINE = "docker"
"""The driver that builds in an engine's own store."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Builder:
    """A builder that answered."""

    name: str
    driver: str
    platforms: tuple[str, ...]
    """That it builds for, emulated ones included."""


def find_builder(engine: Engine, environ: Mapping[str, str]) -> Builder | None:
    """The one that somebody chose; None: the engine's own. Raises InputError or EngineError."""
    name = environ.get(VARIABLE, "").strip()
    if not name:
        return None
    if not _NAME.fullmatch(name):
        raise InputError(f"{VARIABLE}={name!r} is no name of a builder", hint="See: docker buildx ls")
    words = ["docker", "buildx", "inspect", "--bootstrap", name]
    done = process.run(words, env=engine.environment(), timeout=PATIENCE, check=False)
    if done.code != 0:
        raise _refused(name, done.stderr)
    driver = found[1] if (found := _DRIVER.search(done.stdout)) else "unknown"
    if driver == _IN_ENGINE:
        raise InputError(
            f"{VARIABLE}={name} is the builder of a Docker engine, whose images stay there",
            hint="To build in that engine, choose it: DOCKER_CONTEXT or DOCKER_HOST.",
        )
    return Builder(name=name, driver=driver, platforms=_platforms(done.stdout))


def _refused(name: str, said: str) -> InputError | EngineError:
    if _NO_SUCH.search(said):
        return InputError(
            f"there is no builder {name!r} ({VARIABLE})",
            hint="See docker buildx ls, or make one: docker buildx create --name NAME --driver remote ADDRESS.",
        )
    return EngineError(
        f"the builder {name} ({VARIABLE}) does not answer: {process.last_lines(said, 1)}",
        hint=f"See: docker buildx inspect {name}. Without {VARIABLE} the engine builds.",
    )


def _platforms(text: str) -> tuple[str, ...]:
    """Of all its nodes. An asterisk marks those that somebody named."""
    found = [one.strip().rstrip("*") for line in _PLATFORMS.findall(text) for one in line.split(",")]
    return tuple(dict.fromkeys(found))
