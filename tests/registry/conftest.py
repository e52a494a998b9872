"""A real registry with a password, and programs of others that read it: from the distribution, unpacked in the cache.

What cannot be fetched skips its tests, and the summary says why.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest
import requests

from bakehouse.registry.connection import Connection
from bakehouse.registry.credentials import Credentials
from bakehouse.registry.layout import LayoutFolder
from bakehouse.registry.remote import Remote
from bakehouse.system import daemon, process
from bakehouse.system.patience import Patience
from bakehouse.system.process import Completed
from tests import tools
from tests.doubles.registry import FakeRegistry
from tests.unit.publish.conftest import World
from tests.unit.publish.conftest import world as world  # noqa: PLC0414 - a fixture

TIME_LIMIT = 900
"""Seconds a test: the first of a session fetches packages."""
USER, PASSWORD = "publisher", "a-password-of-the-tests"
CONFIG = """\
version: 0.1
log: {level: info, accesslog: {disabled: false}}
storage:
  filesystem: {rootdirectory: "FOLDER/data"}
  delete: {enabled: true}
  maintenance: {uploadpurging: {enabled: false}}
http: {addr: "127.0.0.1:PORT"}
auth: {htpasswd: {realm: tests, path: "FOLDER/htpasswd"}}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/registry" in str(item.path) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIME_LIMIT))


@dataclass(frozen=True, kw_only=True)
class Real:
    """Debian's docker-registry, which wants a password."""

    host: str
    folder: Path
    pid: list[int]
    program: Path

    @property
    def login(self) -> Path:
        """DOCKER_CONFIG."""
        return self.folder / "docker"

    @property
    def requests(self) -> list[str]:
        """`PUT /v2/...` of every answered request, by the access log."""
        lines = (self.folder / "log").read_text(errors="replace").splitlines()
        return [line.split('"')[1] for line in lines if '"' in line and " HTTP/1.1" in line and "msg=" not in line]

    def start(self) -> None:
        self.pid[:] = [
            daemon.start([str(self.program), "serve", str(self.folder / "config.yml")], log=self.folder / "log")
        ]
        deadline = time.monotonic() + 60
        session = requests.Session()
        session.trust_env = False
        while time.monotonic() < deadline:
            try:
                if session.get(f"http://{self.host}/v2/", timeout=5).status_code == 401:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        for pid in self.pid:
            daemon.stop(pid, grace=5)
        self.pid.clear()

    def collect_garbage(self) -> None:
        """Stopped, as its makers ask for, and without --delete-untagged, which destroys good images."""
        self.stop()
        process.run([str(self.program), "garbage-collect", str(self.folder / "config.yml")], timeout=300)
        self.start()

    def client(self, path: str, *, patience: Patience | None = None) -> Remote:
        credentials = Credentials(environ={"DOCKER_CONFIG": str(self.login)})
        patience = patience or Patience(connect=10, stall=60, attempts=2)
        return Remote(connection=Connection(self.host, credentials=credentials, patience=patience), path=path)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    program = tools.program("docker-registry").path
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "config.yml").write_text(CONFIG.replace("FOLDER", str(folder)).replace("PORT", str(port)))
    (folder / "htpasswd").write_text(f"{USER}:{bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()}\n")
    entry = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    (folder / "docker").mkdir()
    (folder / "docker/config.json").write_text(json.dumps({"auths": {f"127.0.0.1:{port}": entry}}))
    found = Real(host=f"127.0.0.1:{port}", folder=folder, pid=[], program=program)
    found.start()
    yield found
    found.stop()


Tool = Callable[..., Completed]


@pytest.fixture(scope="session")
def tool(real: Real, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tool]:
    """`tool("oras")("discover", REFERENCE)`: a program of others, logged in."""
    home = tmp_path_factory.mktemp("home")

    def of(name: str) -> Tool:
        program = tools.program(name)

        def run(*words: str, check: bool = True, **more: str) -> Completed:
            env: Mapping[str, str] = {
                "PATH": os.environ["PATH"],
                "HOME": str(home),
                "DOCKER_CONFIG": str(real.login),
                "REGISTRY_AUTH_FILE": str(real.login / "config.json"),
                "NO_PROXY": "127.0.0.1,localhost",
                **program.environ,
                **more,
            }
            return process.run([str(program.path), *words], env=env, timeout=120, check=check)

        return run

    return of


class RealWorld(World):
    """A world whose registry is a real one; each test has a repository of its own."""

    real: Real

    def stores(self, *, patience: Patience | None = None) -> tuple[Remote, Remote]:
        return (
            self.real.client(self.repository, patience=patience),
            self.real.client(f"{self.repository}-staging", patience=patience),
        )

    def tag(self, name: str) -> str | None:
        return self.stores()[0].resolve(name)

    @property
    def reference(self) -> str:
        return f"{self.real.host}/{self.repository}"


@pytest.fixture
def real_world(real: Real, tmp_path: Path, request: pytest.FixtureRequest) -> RealWorld:
    made = RealWorld(layout=LayoutFolder(tmp_path / "engine"), registry=FakeRegistry(), folder=tmp_path)
    made.real = real
    made.repository = f"{request.node.name.replace('_', '-').lower()[:60].strip('-')}/toy"
    return made


def words(requests_: Sequence[str], *methods: str) -> list[str]:
    return [line for line in requests_ if line.startswith(methods)]
