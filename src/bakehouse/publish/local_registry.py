"""A registry on this machine, started for the purpose: publishing works from the first day, without an account.

Debian's docker-registry (distribution 2.8), on loopback alone. What it holds lies in the cache and stays; the program
runs as long as somebody needs it.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock
import requests

from bakehouse.engine.embedded.apt import AptMachine
from bakehouse.engine.embedded.packages import unpacked
from bakehouse.errors import InfrastructureError
from bakehouse.system import atomic_write, daemon, process

PACKAGE, PROGRAM = "docker-registry", "usr/bin/docker-registry"
FIRST_PORT = 5055
_PORTS = 200
_START_TIMEOUT = 30.0
_LOCK_TIMEOUT = 3600.0
_GRACE = 5.0
_CONFIG = """\
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: "DATA"}
  delete: {enabled: true}
  maintenance: {uploadpurging: {enabled: false}}
http: {addr: "127.0.0.1:PORT"}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalRegistry:
    folder: Path
    """Everything of it: `data`, its log, its port."""
    program: Path

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its host, `127.0.0.1:5055`, the same each time if it can be. One command at a time has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.folder / "lock", timeout=_LOCK_TIMEOUT):
            port = self._port()
            config = self.folder / "config.yml"
            atomic_write.write(config, _config(self.folder / "data", port))
            pid = daemon.start([str(self.program), "serve", str(config)], log=self.folder / "registry.log")
            try:
                self._await(port, pid)
                yield f"127.0.0.1:{port}"
            finally:
                daemon.stop(pid, grace=_GRACE)

    def _port(self) -> int:
        """The one that it had; names of images hold it."""
        kept = self.folder / "port"
        had = kept.read_text(encoding="ascii").strip() if kept.exists() else ""
        first = int(had) if had.isdigit() else FIRST_PORT
        choices: list[int] = [first, *range(FIRST_PORT, FIRST_PORT + _PORTS)]
        for port in choices:
            if _is_free(port):
                atomic_write.write(kept, f"{port}\n")
                return port
        raise InfrastructureError(f"no port from {FIRST_PORT} to {FIRST_PORT + _PORTS} is free for a local registry")

    def _await(self, port: int, pid: int) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline and daemon.alive(pid):
            if _answers(port):
                return
            time.sleep(0.05)
        log = (self.folder / "registry.log").read_text(encoding="utf-8", errors="replace")
        raise InfrastructureError(f"the local registry did not start:\n{process.last_lines(log, 5)}")


def local_registry(cache: Path, environ: Mapping[str, str], say: Callable[[str], None]) -> LocalRegistry:
    """The installed program, else the distribution's, unpacked into the cache. Raises InfrastructureError."""
    if found := process.find(PACKAGE, path=environ.get("PATH")):
        return LocalRegistry(folder=cache / "registry", program=found)
    try:
        folder = unpacked(PACKAGE, machine=AptMachine.this(cache=cache, say=say, environ=environ))
    except InfrastructureError as error:
        raise InfrastructureError(
            f"matrix.yaml names no registry, and none can be started here: {error.message}",
            hint="Name one (publish: repository: in matrix.yaml, or --to), write to a folder (--to oci:FOLDER), or "
            "install the package docker-registry.",
        ) from error
    return LocalRegistry(folder=cache / "registry", program=folder / PROGRAM)


def _config(data: Path, port: int) -> str:
    return _CONFIG.replace('"DATA"', json.dumps(str(data))).replace("PORT", str(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _answers(port: int) -> bool:
    session = requests.Session()
    session.trust_env = False
    try:
        return session.get(f"http://127.0.0.1:{port}/v2/", timeout=2).ok
    except requests.RequestException:
        return False
    finally:
        session.close()
