"""Registries of memory, and a client that does not wait."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bakehouse.registry.connection import PATIENCE, Connection
from bakehouse.registry.credentials import Credentials
from bakehouse.registry.remote import CHUNK, Remote
from tests.doubles.registry import FakeRegistry, serving

Client = Callable[..., Remote]


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with serving(FakeRegistry()) as found:
        yield found


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(pauses: list[float], tmp_path: Path) -> Iterator[Client]:
    """A client of a registry: `client(registry, "me/x")`. Its pauses are noted, not made."""
    made: list[Connection] = []

    def make(registry: FakeRegistry, path: str = "me/x", chunk: int = CHUNK) -> Remote:
        environ = {"DOCKER_CONFIG": str(tmp_path / "docker")}
        patience = replace(PATIENCE, sleep=pauses.append, connect=5, stall=5)
        made.append(Connection(registry.host, credentials=Credentials(environ=environ), patience=patience))
        return Remote(connection=made[-1], path=path, chunk=chunk)

    yield make
    for connection in made:
        connection.close()


@pytest.fixture
def log_in(tmp_path: Path) -> Callable[[FakeRegistry, str, str], None]:
    """What `docker login` writes."""

    def write(registry: FakeRegistry, user: str, password: str) -> None:
        folder = tmp_path / "docker"
        folder.mkdir(exist_ok=True)
        entry = {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
        (folder / "config.json").write_text(json.dumps({"auths": {registry.host: entry}}))

    return write
