"""`docker compose` on one engine: the plugin, the program of the same name, or Debian's, unpacked in the cache.

Version 2.24 or later, for `required: false` and `start_interval`. Version 1, in Python, has neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from bakehouse.engine.connection import Engine
from bakehouse.engine.embedded.apt import AptMachine
from bakehouse.engine.embedded.packages import unpacked
from bakehouse.errors import InfrastructureError
from bakehouse.system import process

OLDEST = Version("2.24")
_PACKAGE, _SUITE = "docker-compose", "trixie"
"""A Go program needs nothing but the C library: that of Debian 13 runs on 12, too."""
_PROGRAM = "usr/libexec/docker/cli-plugins/docker-compose"
_NUMBER = re.compile(r"\bv?(\d+\.\d+\.\d+)")
_QUESTION = 30.0
_MARGIN = 60.0
"""Seconds beyond what compose itself waits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compose:
    """One project on one engine."""

    engine: Engine
    words: tuple[str, ...]
    """The program: `docker compose`, or a path."""
    project: str
    file: Path
    profiles: tuple[str, ...] = ()

    def up(self, *, timeout: float) -> None:
        """Start all services and wait until they are healthy. Raises ComposeError with what compose said."""
        wait = ("--wait", "--wait-timeout", str(round(timeout)), "--pull", "never", "--quiet-pull")
        self._run("up", "--detach", *wait, timeout=timeout + _MARGIN)

    def down(self) -> None:
        """Remove containers, networks and volumes of the project."""
        self._run("down", "--volumes", "--remove-orphans", "--timeout", "15", timeout=120)

    def logs(self) -> str:
        """What all services have printed."""
        return self._run("logs", "--no-color", "--timestamps", timeout=60).stdout

    def container(self, service: str) -> str:
        """Name of a service's container."""
        return f"{self.project}-{service}-1"

    def _run(self, *words: str, timeout: float) -> process.Completed:
        profiles = [word for profile in self.profiles for word in ("--profile", profile)]
        whole = [*self.words, "--project-name", self.project, "--file", str(self.file), "--progress", "quiet"]
        done = process.run(
            [*whole, *profiles, *words],
            env=self.engine.environment(),
            cwd=self.file.parent,
            timeout=timeout,
            check=False,
        )
        if done.code != 0:
            said = process.last_lines(done.stderr) or process.last_lines(done.stdout) or "(it said nothing)"
            raise ComposeError(f"docker compose {words[0]} ended with status {done.code}:\n{said}")
        return done


class ComposeError(InfrastructureError):
    """Compose did not do what it was told."""


def find_compose(
    engine: Engine, *, cache: Path, environ: Mapping[str, str], say: Callable[[str], None]
) -> tuple[str, ...]:
    """How compose is called here. Raises InfrastructureError with how to get one."""
    tried = []
    for words in (("docker", "compose"), ("docker-compose",)):
        version = _version(words, engine)
        if version and version >= OLDEST:
            return words
        tried.append(f"{' '.join(words)} {version or 'is not there'}")
    try:
        folder = unpacked(_PACKAGE, machine=AptMachine.this(cache=cache, say=say, environ=environ), suite=_SUITE)
    except InfrastructureError as error:
        raise InfrastructureError(
            f"docker compose {OLDEST} or later is needed ({', '.join(tried)}): {error.message}",
            hint="Install it: https://docs.docker.com/compose/install/ (Debian 13: apt-get install docker-compose)",
        ) from error
    return (str(folder / _PROGRAM),)


def _version(words: tuple[str, ...], engine: Engine) -> Version | None:
    """None: there is none."""
    try:
        done = process.run([*words, "version", "--short"], env=engine.environment(), timeout=_QUESTION, check=False)
    except InfrastructureError:
        return None
    found = _NUMBER.search(done.stdout)
    return Version(found[1]) if found and done.code == 0 else None
