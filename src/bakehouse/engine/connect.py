"""Get an engine: the one that `docker` reaches, or an embedded one where there is none and we are root.

An engine that somebody chose (DOCKER_HOST, DOCKER_CONTEXT, `docker context use`) and that does not answer is an error:
building somewhere else in silence would be worse.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from packaging.version import Version

from bakehouse.engine.connection import Engine
from bakehouse.engine.embedded.apt import AptMachine, install_docker
from bakehouse.engine.embedded.local import EmbeddedEngine
from bakehouse.errors import EngineError, InfrastructureError
from bakehouse.system import process

OLDEST_ENGINE = Version("23")
"""The first one whose build is BuildKit and whose store can be containerd."""
OLDEST_BUILDX = Version("0.12")

TIMEOUT = 30.0
"""For one question to an engine, which may be far away (ssh)."""
_CONTAINERD = ["driver-type", "io.containerd.snapshotter.v1"]
_NUMBER = re.compile(r"\bv?(\d+(?:\.\d+)+)")
_INSTALL = "https://docs.docker.com/engine/install/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of asking `docker version`."""

    version: str | None
    """None: no engine answered."""
    chosen: str | None
    """How somebody chose the engine that was asked: `DOCKER_HOST=...`, `context NAME`."""
    reason: str = ""
    """Why there was no answer."""

    @property
    def forbidden(self) -> bool:
        """Whether an engine is there and this user may not talk to it."""
        return "permission denied" in self.reason.lower()


@contextlib.contextmanager
def connect(
    *,
    cache: Path,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    allow_install: bool = True,
    settings: Path | None = None,
    is_root: bool | None = None,
) -> Iterator[Engine]:
    """Give an engine that answers and is new enough, for the length of the `with`. Raises EngineError.

    `settings` is the daemon.json for an embedded engine (buildkit/daemon.json). With `allow_install`, Docker is
    installed where it is missing and we are root.
    """
    answer = ask(environ)
    if answer.version is not None:
        yield describe(environ, version=answer.version, kind="external")
        return
    if answer.chosen:
        raise EngineError(
            f"the chosen engine does not answer ({answer.chosen}): {answer.reason}",
            hint=_group_hint() if answer.forbidden else "Start it, or unset the choice to let bakehouse find another.",
        )
    if not (os.geteuid() == 0 if is_root is None else is_root):
        raise _no_engine(answer)
    say(f"No Docker engine answers ({answer.reason}).")
    _ensure_installed(cache=cache, environ=environ, say=say, allow_install=allow_install)
    with EmbeddedEngine(cache=cache, say=say, environ=environ, settings=settings) as embedded:
        reached = dict(environ) | {"DOCKER_HOST": f"unix://{embedded.socket}"}
        try:
            yield describe(reached, version=_ask_again(reached), kind="embedded")
        except InfrastructureError:
            embedded.ensure_alive()
            raise


def reach(environ: Mapping[str, str], *, host: str | None = None, context: str | None = None) -> Engine:
    """An engine on another machine, by its address or by a Docker context. Raises EngineError."""
    chosen = {"DOCKER_HOST": host} if host else {"DOCKER_CONTEXT": context} if context else {}
    kept = {key: value for key, value in environ.items() if key not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    reached = {**kept, **{key: value for key, value in chosen.items() if value}}
    answer = ask(reached)
    if answer.version is None:
        raise EngineError(f"its Docker engine does not answer: {answer.reason}")
    return replace(describe(reached, version=answer.version, kind="external"), host=host, context=context)


def ask(environ: Mapping[str, str]) -> Answer:
    """Ask the engine that `docker` reaches for its version. Never raises."""
    chosen = next((f"{key}={environ[key]}" for key in ("DOCKER_HOST", "DOCKER_CONTEXT") if environ.get(key)), None)
    try:
        done = _docker(environ, "version", "--format", "{{json .}}")
    except InfrastructureError as error:
        return Answer(version=None, chosen=chosen, reason=error.message)
    said = _json(done.stdout)
    context = (said.get("Client") or {}).get("Context", "default")
    if chosen is None and context != "default":
        chosen = f"context {context}"
    version = (said.get("Server") or {}).get("Version")
    reason = process.last_lines(done.stderr, 1) or f"docker version ended with status {done.code}"
    return Answer(version=version or None, chosen=chosen, reason="" if version else reason)


def require_engine(engine: Engine) -> None:
    """Raise EngineError if the engine that answered before does so no more."""
    answer = ask(engine.environment())
    if answer.version is None:
        raise EngineError(
            f"the Docker engine went away: {answer.reason}", hint="See whether it runs; the same command goes on then."
        )


def describe(environ: Mapping[str, str], *, version: str, kind: Literal["embedded", "external"]) -> Engine:
    """Check that the engine and buildx are new enough. Raises EngineError with what to install."""
    if (number := _number(version)) is None or number < OLDEST_ENGINE:
        raise EngineError(
            f"Docker Engine {version} is too old: {OLDEST_ENGINE} or later is needed", hint=f"Upgrade it: {_INSTALL}"
        )
    said = _docker(environ, "buildx", "version")
    buildx = _number(said.stdout) if said.code == 0 else None
    if buildx is None:
        raise EngineError(
            "docker has no buildx plugin",
            hint="Install it: apt-get install docker-buildx, or docker-buildx-plugin from Docker's own packages.",
        )
    if buildx < OLDEST_BUILDX:
        raise EngineError(
            f"buildx {buildx} is too old: {OLDEST_BUILDX} or later is needed",
            hint="Upgrade it: https://github.com/docker/buildx#installing",
        )
    info = _json(_docker(environ, "info", "--format", "{{json .}}").stdout)
    return Engine(
        kind=kind,
        host=environ.get("DOCKER_HOST") or None,
        version=version,
        buildx=str(buildx),
        containerd_store=_CONTAINERD in (info.get("DriverStatus") or []),
        # Whatever other builder somebody has chosen for other work: images must land in this engine's own store.
        extra={"BUILDX_BUILDER": _docker(environ, "context", "show").stdout.strip() or "default"},
        info=info,
    )


def _ask_again(environ: Mapping[str, str]) -> str:
    answer = ask(environ)
    if answer.version is None:
        raise EngineError(f"the embedded engine does not answer docker: {answer.reason}")
    return answer.version


def _ensure_installed(
    *, cache: Path, environ: Mapping[str, str], say: Callable[[str], None], allow_install: bool
) -> None:
    path = environ.get("PATH", os.defpath)
    missing = [name for name in ("dockerd", "docker") if process.find(name, path=path) is None]
    if not missing and _docker(environ, "buildx", "version").code != 0:
        missing = ["docker-buildx"]
    if not missing:
        return
    if not allow_install:
        raise EngineError(
            f"no Docker engine answers, and {', '.join(missing)} is not installed",
            hint=f"Install Docker Engine with buildx ({_INSTALL}), or allow bakehouse to install it.",
        )
    install_docker(machine=AptMachine.this(cache=cache, say=say, environ=environ))


def _no_engine(answer: Answer) -> EngineError:
    if answer.forbidden:
        return EngineError("this user may not talk to the Docker engine (permission denied)", hint=_group_hint())
    return EngineError(
        f"no Docker engine answers: {answer.reason}",
        hint=f"Start yours (systemctl start docker), install one ({_INSTALL}), set DOCKER_HOST, "
        "or run as root: bakehouse then starts a private one.",
    )


def _group_hint() -> str:
    return f"Join its group and log in again: sudo usermod -aG docker {getpass.getuser()}  (or run as root)"


def _docker(environ: Mapping[str, str], *args: str) -> process.Completed:
    return process.run(["docker", *args], env=environ, timeout=TIMEOUT, check=False)


def _json(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _number(text: str) -> Version | None:
    """Read the first dotted number: distributions append their own (`26.1.5+dfsg1`)."""
    match = _NUMBER.search(text)
    return Version(match[1]) if match else None
