"""An ssh server on loopback, out of Debian's package and not installed, that lets in a key of its own.

It runs among mounts of its own, where /etc/passwd has the user that it wants and /run the folder.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.tools import FOLDER

from bakehouse.engine.embedded.apt import AptMachine
from bakehouse.engine.embedded.packages import unpacked
from bakehouse.errors import InfrastructureError
from bakehouse.system import daemon, process

USER = "sshd:x:74:74::/:/usr/sbin/nologin"
PATIENCE = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sshd:
    port: int
    programs: Path
    """A folder with an `ssh` that has the key; for the beginning of a PATH."""

    @property
    def address(self) -> str:
        return f"ssh://root@127.0.0.1:{self.port}"


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Sshd]:
    """Skips the test where there is no ssh, or no package."""
    if process.find("ssh") is None:
        pytest.skip("needs ssh: apt-get install openssh-client")
    port = _free_port()
    for name in ("host", "user"):
        process.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)])
    (folder / "passwd").write_text(f"{Path('/etc/passwd').read_text()}{USER}\n")
    (folder / "sshd_config").write_text(_configuration(folder, port))
    (folder / "start").write_text(_script(folder, *_program()))
    pid = daemon.start(["unshare", "--mount", "sh", str(folder / "start")], log=folder / "sshd.log")
    try:
        _wait(port, pid, folder / "sshd.log")
        yield Sshd(port=port, programs=_client(folder))
    finally:
        daemon.stop(pid, grace=5)


def _program() -> tuple[Path, str]:
    """Debian's own, or what its package holds; and where it finds the one library that is not always installed."""
    if found := process.find("sshd"):
        return found, ""
    machine = AptMachine.this(cache=FOLDER, say=lambda _: None, environ=dict(os.environ))
    try:
        server, wrap = (unpacked(package, machine=machine) for package in ("openssh-server", "libwrap0"))
    except (InfrastructureError, OSError) as error:
        pytest.skip(f"needs an ssh server, and Debian's package could not be had: {str(error).splitlines()[0]}")
    libraries = {str(path.parent) for path in wrap.rglob("libwrap.so.0")}
    return server / "usr/sbin/sshd", ":".join(sorted(libraries))


def _configuration(folder: Path, port: int) -> str:
    return f"""\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
"""


def _script(folder: Path, program: Path, libraries: str) -> str:
    here = shlex.quote(str(folder))
    return f"""\
set -e
mount --bind {here}/passwd /etc/passwd
mount -t tmpfs tmpfs /run
mkdir /run/sshd
LD_LIBRARY_PATH={shlex.quote(libraries)} exec {shlex.quote(str(program))} -D -e -f {here}/sshd_config
"""


def _client(folder: Path) -> Path:
    known = f"UserKnownHostsFile {folder}/known\nStrictHostKeyChecking accept-new\nLogLevel ERROR\n"
    (folder / "ssh_config").write_text(f"IdentityFile {folder}/user\n{known}")
    programs = folder / "bin"
    programs.mkdir()
    ssh = programs / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {process.find("ssh")} -F {shlex.quote(str(folder))}/ssh_config "$@"\n')
    ssh.chmod(0o755)
    return programs


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait(port: int, pid: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert daemon.alive(pid), f"sshd ended:\n{log.read_text()}"
        time.sleep(0.05)
    raise AssertionError(f"sshd did not listen:\n{log.read_text()}")
