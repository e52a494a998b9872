"""Tests with a real dockerd. They need root, and Docker installed; without, they fail (deselect: `-m "not engine"`)."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.toy import Toy, supply

from bakehouse.engine import process
from bakehouse.engine.local import EmbeddedEngine

PROJECT = Path(__file__).parents[2]
SETTINGS = PROJECT / "buildkit" / "daemon.json"


@pytest.fixture(scope="session")
def needs_embedded() -> None:
    missing = [name for name in ("dockerd", "docker", "iptables") if process.find(name) is None]
    if os.geteuid() != 0 or missing:
        pytest.fail(f"the embedded engine's tests need root and Docker (missing: {missing or 'root'})", pytrace=False)


@pytest.fixture
def cache(needs_embedded: None) -> Iterator[Path]:
    """A cache folder on a real disk (overlayfs cannot use every /tmp), with a path short enough for sockets."""
    base = Path(os.environ.get("BAKEHOUSE_TEST_CACHE", "/var/tmp"))
    folder = Path(tempfile.mkdtemp(prefix="bh-", dir=base))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def shell_image(tmp_path_factory: pytest.TempPathFactory, needs_embedded: None) -> Path:
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
def shared_cache(needs_embedded: None) -> Iterator[Path]:
    """A cache whose engine runs for the whole session: what one toy project builds is cached for the next."""
    cache = Path(tempfile.mkdtemp(prefix="bh-toys-", dir=os.environ.get("BAKEHOUSE_TEST_CACHE", "/var/tmp")))
    environ = without_engine(cache)
    if process.run(["docker", "version"], env=environ, check=False).code == 0:
        pytest.fail("an engine answers at Docker's default socket: bakehouse would use it", pytrace=False)
    supply(cache)
    with EmbeddedEngine(cache=cache, say=lambda _: None, environ=environ, settings=SETTINGS):
        yield cache
    shutil.rmtree(cache)


@pytest.fixture
def toy(shared_cache: Path, tmp_path: Path) -> Iterator[Toy]:
    """A project that is not written yet. When the test ends, nothing of its runs may be left."""
    project = Toy(tmp_path, cache=shared_cache, environ=without_engine(shared_cache))
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
    commands = [" ".join(process.command_line(int(entry.name))) for entry in Path("/proc").glob("[0-9]*")]
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
