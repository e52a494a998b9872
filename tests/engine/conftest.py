"""Tests with a real engine: the machine's own where one answers, else (as root) the embedded one, as bakehouse does it.

What concerns the embedded engine itself needs root. Where that is missing the test is skipped, and the summary says so.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.engine.toy import Toy, supply

from bakehouse.engine.connect import connect
from bakehouse.engine.connection import Engine
from bakehouse.engine.embedded.apt import AptMachine, ensure_programs, install_docker
from bakehouse.system import browser, daemon, process

PROJECT = Path(__file__).parents[2]
SETTINGS = PROJECT / "buildkit" / "daemon.json"


TIME_LIMIT = 1200
"""Seconds a test: the first of a session may install Docker, make a base and compile."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIME_LIMIT))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """Where the tests of this session run."""

    cache: Path
    environ: dict[str, str]
    """In which bakehouse finds the engine by itself."""
    engine: Engine


@pytest.fixture(scope="session")
def needs_embedded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Root, and Docker's programs; they are installed as `build-matrix` would install them."""
    if os.geteuid() != 0:
        pytest.skip("needs root: the embedded engine")
    machine = AptMachine.this(cache=tmp_path_factory.mktemp("apt"), say=print, environ=os.environ)
    if any(process.find(name) is None for name in ("dockerd", "docker")):
        install_docker(machine=machine)
    ensure_programs({"iptables": "iptables"}, machine=machine)


@pytest.fixture(scope="session")
def needs_compiler(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A C compiler, for the toy server and its like."""
    if os.geteuid() == 0:
        machine = AptMachine.this(cache=tmp_path_factory.mktemp("apt"), say=print, environ=os.environ)
        ensure_programs({"cc": "build-essential"}, machine=machine)
    elif process.find("cc") is None:
        pytest.skip("needs a C compiler: apt-get install build-essential")


@pytest.fixture(scope="session")
def needs_chromium(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A browser; as root it is installed."""
    if browser.find():
        return
    if os.geteuid() != 0:
        pytest.skip("needs a browser: apt-get install chromium")
    machine = AptMachine.this(cache=tmp_path_factory.mktemp("apt"), say=print, environ=os.environ)
    ensure_programs({"chromium": "chromium"}, machine=machine)


@pytest.fixture
def cache(needs_embedded: None) -> Iterator[Path]:
    """A cache folder on a real disk (overlayfs cannot use every /tmp), with a path short enough for sockets."""
    base = Path(os.environ.get("BAKEHOUSE_TEST_CACHE", "/var/tmp"))
    folder = Path(tempfile.mkdtemp(prefix="bh-", dir=base))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def shell_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build context with this machine's own sh, sleep and cat: no registry is needed."""
    context = tmp_path_factory.mktemp("shell")
    programs = [found for name in ("sh", "sleep", "cat") if (found := process.find(name))]
    files = {str(path) for path in programs}
    for program in programs:
        for word in process.run(["ldd", str(program)]).stdout.split():
            if word.startswith("/"):
                files.add(word)
    with tarfile.open(context / "root.tar", "w", dereference=True) as tar:
        for name in sorted(files):
            tar.add(Path(name).resolve(), arcname=name.lstrip("/"))
        for program in programs:
            tar.add(program.resolve(), arcname=f"bin/{program.name}")
    (context / "Dockerfile").write_text("FROM scratch\nADD root.tar /\n", encoding="utf-8")
    return context


@pytest.fixture(scope="session")
def ground(needs_compiler: None, request: pytest.FixtureRequest) -> Iterator[Ground]:
    """One engine for the whole session: what one toy project builds is cached for the next."""
    cache = Path(tempfile.mkdtemp(prefix="bh-toys-", dir=os.environ.get("BAKEHOUSE_TEST_CACHE", "/var/tmp")))
    environ = {key: value for key, value in os.environ.items() if not key.startswith("BAKEHOUSE_")}
    if not _engine_answers(environ):
        if os.geteuid() != 0:
            pytest.fail("no Docker engine answers, and without root there is no embedded one", pytrace=False)
        request.getfixturevalue("needs_embedded")
        environ = without_engine(cache)
    supply(cache)
    with connect(cache=cache, environ=environ, say=print, settings=SETTINGS) as engine:
        yield Ground(cache=cache, environ=environ, engine=engine)
    shutil.rmtree(cache)


def _engine_answers(environ: dict[str, str]) -> bool:
    found = process.find("docker") is not None
    return found and process.run(["docker", "version"], env=environ, check=False).code == 0


@pytest.fixture
def embedded(ground: Ground, needs_embedded: None) -> None:
    """For what only the embedded engine may suffer: to be killed."""
    if ground.engine.kind != "embedded":
        pytest.skip("an engine of this machine answers: bakehouse uses that, and we do not kill it")


@pytest.fixture
def toy(ground: Ground, tmp_path: Path) -> Iterator[Toy]:
    """A project that is not written yet. When the test ends, nothing of its runs may be left."""
    project = Toy(tmp_path, cache=ground.cache, environ=ground.environ, engine=ground.engine)
    yield project
    project.close()
    left = project.containers
    if left:
        project.docker("rm", "--force", *left)
    assert not left, "containers were left behind"
    assert not list(project.files_left)


def without_engine(folder: Path) -> dict[str, str]:
    """An environment in which no engine was chosen, not even by a Docker context."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("DOCKER_", "BAKEHOUSE_"))}
    return environ | {"DOCKER_CONFIG": str(folder)}


def traces(folder: Path) -> dict[str, list[str]]:
    """What an engine below that folder has on this machine: processes, mounts, interfaces, firewall rules."""
    name = f"bakehouse-{hashlib.sha256(bytes(folder / 'engine')).hexdigest()[:5]}"
    commands = [" ".join(daemon.command_line(int(entry.name))) for entry in Path("/proc").glob("[0-9]*")]
    processes = [command for command in commands if str(folder / "engine") in command]
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in line]
    rules = [
        line
        for table in ("nat", "filter")
        for line in process.run(["iptables", "-w", "-t", table, "-S"]).stdout.splitlines()
        if name in line
    ]
    interfaces = [line for line in Path("/proc/net/dev").read_text().split() if line.startswith(name)]
    return {"processes": processes, "mounts": mounts, "interfaces": interfaces, "rules": rules}
