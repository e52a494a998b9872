"""Programs of the distribution without installing them: fetched by apt-get, unpacked into the cache. Needs no root.

Nothing of the machine changes: no service, no file outside the cache.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import filelock

from bakehouse.engine.embedded import apt
from bakehouse.engine.embedded.apt import AptMachine
from bakehouse.engine.embedded.debian import read_distribution
from bakehouse.errors import InfrastructureError
from bakehouse.system import process

_LOCK_TIMEOUT = 600.0
_TIMEOUT = 900.0


def unpacked(package: str, *, machine: AptMachine, suite: str | None = None) -> Path:
    """The folder that holds a package's files (`usr/bin/...`); fetched once. `suite`: of another release, for programs
    that need no other package. Raises InfrastructureError.
    """
    folder = machine.cache / "unpacked" / (f"{package}-{suite}" if suite else package)
    if folder.is_dir():
        return folder
    distribution = read_distribution(machine.root)
    if distribution.id not in apt.OLDEST or not process.find("apt-get") or not process.find("dpkg-deb"):
        raise InfrastructureError(f"{package} can be fetched by itself on Debian and Ubuntu only")
    setup = machine.cache / "apt"
    setup.mkdir(parents=True, exist_ok=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        filelock.FileLock(setup / "lock", timeout=_LOCK_TIMEOUT),
        tempfile.TemporaryDirectory(dir=folder.parent) as name,
    ):
        machine.say(f"Fetching {package} from {suite or distribution.title}; it is unpacked into {folder}.")
        env = apt.environment(machine, setup)
        apt.write_setup(setup, machine=machine, distribution=distribution, suite=suite)
        process.run(["apt-get", "update"], env=env, timeout=_TIMEOUT, check=False)
        wanted = f"{package}/{suite}" if suite else package
        process.run(["apt-get", "download", wanted], env=env, cwd=Path(name), timeout=_TIMEOUT)
        (file,) = Path(name).glob("*.deb")
        process.run(["dpkg-deb", "--extract", str(file), f"{name}/files"], env=env, timeout=_TIMEOUT)
        if not folder.is_dir():
            shutil.move(f"{name}/files", folder)
    return folder
