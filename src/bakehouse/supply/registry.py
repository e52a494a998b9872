"""What an image reference stands for: its digest and platforms, asked of its registry or of a mirror.

A registry that cannot be reached is normal. It costs a look-up of its name, or one connection that is refused or times
out, once in a run.
"""

from __future__ import annotations

import json
import socket
import textwrap
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bakehouse.engine.connection import Engine
from bakehouse.errors import InfrastructureError, SupplyError
from bakehouse.system import process

MIRROR = "BAKEHOUSE_REGISTRY_MIRROR"
"""`host[:port][/prefix]`: where the same repositories are to be had when their own registry is out of reach."""

INSPECT_TIMEOUT = 20.0
CONNECT_TIMEOUT = 5.0
LONGEST_MESSAGE = 300
DOCKER_HUB = "docker.io"
HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """An image reference in its full form."""

    registry: str
    path: str
    tag: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """`debian:trixie-slim` is `docker.io/library/debian:trixie-slim`. A digest at the end is dropped."""
        name = text.partition("@")[0]
        head, slash, rest = name.partition("/")
        if slash and ("." in head or ":" in head or head == "localhost"):
            registry, path = head, rest
        else:
            registry, path = DOCKER_HUB, name
        path, _, tag = path.partition(":")
        if registry in HUB_HOSTS:
            registry = DOCKER_HUB
            path = path if "/" in path else f"library/{path}"
        return cls(registry=registry, path=path, tag=tag or "latest")

    def at(self, mirror: str) -> Reference:
        """The same image in a mirror."""
        host, _, prefix = mirror.strip("/").partition("/")
        return Reference(registry=host, path=f"{prefix}/{self.path}".strip("/"), tag=self.tag)

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}:{self.tag}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that answer for it."""
        host, _, port = self.registry.partition(":")
        return ("registry-1.docker.io", 443) if host == DOCKER_HUB else (host, int(port) if port.isdigit() else 443)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedReference:
    """What a reference stands for at this moment."""

    digest: str
    platforms: frozenset[str] | None
    """`linux/arm64`; None where the registry has a single image and does not say for what."""


def connect(host: str, port: int) -> None:
    """Raise OSError unless something listens there."""
    socket.create_connection((host, port), timeout=CONNECT_TIMEOUT).close()


@dataclass(kw_only=True, slots=True)
class EngineRegistries:
    """Asks registries through the engine's client, which has the user's credentials. Used by several threads."""

    engine: Engine
    environ: Mapping[str, str]
    connect: Callable[[str, int], None] = connect
    _silent: dict[tuple[str, int], str] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def places(self, reference: str) -> tuple[Reference, ...]:
        """The public place first, then the mirror, where one is set."""
        public = Reference.parse(reference)
        mirror = self.environ.get(MIRROR, "").strip()
        return (public, public.at(mirror)) if mirror else (public,)

    def look_up(self, reference: Reference, *, digest: str | None) -> ResolvedReference:
        """What it stands for; with `digest`, whether that one is still there. Raises SupplyError with one line."""
        self._require_connection(*reference.address)
        wanted = f"{reference}@{digest}" if digest else str(reference)
        args = ["docker", "buildx", "imagetools", "inspect", wanted, "--format", "{{json .Manifest}}"]
        try:
            done = process.run(args, env=self.engine.environment(), timeout=INSPECT_TIMEOUT, check=False)
        except process.ProgramTimeoutError:
            raise SupplyError(f"no answer within {INSPECT_TIMEOUT:g} s") from None
        except InfrastructureError as error:
            raise SupplyError(error.message) from error
        if done.code != 0:
            raise SupplyError(_last_clause(done.stderr))
        return _manifest(done.stdout, wanted)

    def held_by_engine(self, reference: Reference) -> ResolvedReference | None:
        """What that tag is in the engine's own store, or None: an image that was loaded needs no registry.

        BuildKit then takes it by its tag only; asked for a digest, it goes to the registry (seen with 26.1.5).
        """
        shape = '{"digests": {{json .RepoDigests}}, "id": {{json .Id}}, "platform": "{{.Os}}/{{.Architecture}}"}'
        args = ["docker", "image", "inspect", "--format", shape, str(reference)]
        try:
            done = process.run(args, env=self.engine.environment(), timeout=INSPECT_TIMEOUT, check=False)
            content = json.loads(done.stdout) if done.code == 0 else None
        except (InfrastructureError, ValueError):
            return None
        if content is None:
            return None
        digests = content["digests"] or [content["id"]]
        return ResolvedReference(digest=digests[0].rpartition("@")[2], platforms=frozenset({content["platform"]}))

    def _require_connection(self, host: str, port: int) -> None:
        """Behind a proxy only the client finds out; else a name that does not resolve is found at once."""
        if any(self.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy")):
            return
        with self._guard:
            if (host, port) not in self._silent:
                self._silent[host, port] = self._why_silent(host, port)
        if why := self._silent[host, port]:
            raise SupplyError(why)

    def _why_silent(self, host: str, port: int) -> str:
        try:
            self.connect(host, port)
        except socket.gaierror:
            return f"{host} cannot be reached: its name does not resolve"
        except TimeoutError:
            return f"{host} cannot be reached: no connection within {CONNECT_TIMEOUT:g} s"
        except OSError as error:
            return f"{host} cannot be reached: {error.strerror or error}"
        return ""


def _manifest(text: str, wanted: str) -> ResolvedReference:
    try:
        content = json.loads(text)
        digest = str(content["digest"])
        entries = content.get("manifests")
        found = {_platform(entry["platform"]) for entry in entries if "platform" in entry} if entries else set()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SupplyError(f"{wanted}: the client's answer cannot be read ({error})") from None
    return ResolvedReference(digest=digest, platforms=frozenset(found) or None)


def _platform(entry: Mapping[str, str]) -> str:
    """`linux/arm64`, also for its only variant v8; 32-bit ARM keeps its variant."""
    name = f"{entry['os']}/{entry['architecture']}"
    variant = entry.get("variant")
    return name if not variant or name == "linux/arm64" else f"{name}/{variant}"


def _last_clause(stderr: str) -> str:
    """The line that says what is wrong."""
    lines = [line.removeprefix("ERROR: ").strip() for line in stderr.splitlines() if line.strip()]
    text = lines[-1] if lines else "the client said nothing"
    return textwrap.shorten(text, LONGEST_MESSAGE, placeholder="...")
