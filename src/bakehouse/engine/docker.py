"""The only module that imports python-on-whales: a few typed calls, and DockerException turned into our errors.

EngineError: there is no engine, or it went away. NoSuchObjectError: it answered that the object does not exist.
DockerError: any other error that it answers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, assert_never, cast

from python_on_whales import DockerClient  # noqa: TID251 - this is the module that the ban points to
from python_on_whales.client_config import ClientNotFoundError  # noqa: TID251
from python_on_whales.exceptions import (  # noqa: TID251
    DockerException,
    NoSuchContainer,
    NoSuchImage,
    NoSuchNetwork,
    NoSuchVolume,
)

from bakehouse.engine.connection import Engine
from bakehouse.engine.objects import Creation, ImageConfig, Kind, Labelled, State
from bakehouse.errors import EngineError, InfrastructureError

_GONE = (
    "cannot connect to the docker daemon",
    "is the docker daemon running",
    "error during connect",
    "connection refused",
    "connection reset by peer",
    "permission denied while trying to connect",
)
_START_ENGINE = "Start it, or unset DOCKER_HOST so that bakehouse starts its own."
_GET_DOCKER = (
    "Install Docker's command line: https://docs.docker.com/engine/install/ (Debian: apt-get install docker.io)"
)


class DockerError(InfrastructureError):
    """The engine refused. `said` is its own words."""

    def __init__(self, said: str, *, command: Sequence[str] = ()) -> None:
        super().__init__(
            f"the Docker engine refused: {said}", hint=f"The command was: {' '.join(command)}" if command else None
        )
        self.said = said


class NoSuchObjectError(DockerError):
    """There is no such container, image, network or volume (any more)."""


def client(engine: Engine) -> DockerClient:
    """python-on-whales' client for that engine, for calls that this module does not have. Use inside `translated`."""
    prefix = ["env", *(f"{name}={value}" for name, value in sorted(engine.extra.items()))] if engine.extra else []
    return DockerClient(host=engine.host, context=engine.context, client_call=[*prefix, "docker"], client_type="docker")


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn python-on-whales' exceptions into ours."""
    try:
        yield
    except ClientNotFoundError as error:
        raise EngineError("the program docker is not installed", hint=_GET_DOCKER) from error
    except DockerException as error:
        raise _ours(error) from error


def _ours(error: DockerException) -> EngineError | DockerError:
    said = (error.stderr or error.stdout or "").strip() or f"status {error.return_code}, without a word"
    low = said.lower()
    if any(phrase in low for phrase in _GONE):
        return EngineError(f"the Docker engine does not answer: {said.splitlines()[0]}", hint=_START_ENGINE)
    command = [str(part) for part in error.docker_command]
    missing = isinstance(error, NoSuchContainer | NoSuchImage | NoSuchNetwork | NoSuchVolume)
    if missing or "no such object" in low:
        return NoSuchObjectError(said, command=command)
    return DockerError(said, command=command)


class Docker:
    """The calls that we need, on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._client = client(engine)

    def image(self, reference: str) -> ImageConfig:
        with translated():
            image = self._client.image.inspect(reference)
            config = image.config
            return ImageConfig(
                id=image.id,
                entrypoint=tuple(_words(config.entrypoint)),
                command=tuple(_words(config.cmd)),
                env=tuple(config.env or ()),
                user=config.user or "",
                labels=dict(config.labels or {}),
            )

    def pull(self, reference: str) -> None:
        with translated():
            self._client.image.pull(reference, quiet=True)

    def tag(self, reference: str, name: str) -> None:
        """Give an image another name. Raises NoSuchObjectError."""
        with translated():
            self._client.image.tag(reference, name)

    def untag(self, names: Sequence[str]) -> None:
        """Take names away; an image without a name is forgotten."""
        with translated():
            self._client.image.remove(list(names))

    def ids(self, references: Sequence[str]) -> list[str]:
        """IDs in the store, in one call. Raises NoSuchObjectError when one is missing."""
        with translated():
            return [image.id for image in self._client.image.inspect(list(references))]

    def volume(self, name: str) -> str:
        """Its folder on the engine's machine. It is made where it is not there."""
        with translated():
            return str(self._client.volume.create(name).mountpoint)

    def create(self, creation: Creation) -> None:
        """Create a hardened container: read-only root, no capabilities, no new privileges, a writable /tmp.

        There is no init process in it (`--init`), because SIGTERM must reach the server itself.
        """
        with translated():
            self._client.container.create(
                creation.image,
                list(creation.args),
                name=creation.name,
                entrypoint=creation.entrypoint,
                envs=dict(creation.env),
                labels=dict(creation.labels),
                publish=[("127.0.0.1:", creation.port)] if creation.port else [],
                mounts=[
                    *(_mount(here, there) for here, there in creation.mounts.items()),
                    *(_mount(here, there, writable=True) for here, there in creation.folders.items()),
                ],
                memory=creation.memory,
                memory_swap=creation.memory,
                shm_size=creation.shm,
                pids_limit=creation.pids,
                cpus=creation.cpus,
                gpus=creation.gpus,
                devices=creation.devices,
                groups_add=creation.groups,
                platform=creation.platform,
                health_interval=creation.health_interval,
                read_only=True,
                tmpfs=["/tmp"],  # noqa: S108 - a folder in the container, not on this machine
                cap_drop=["ALL"],
                security_options=["no-new-privileges"],
                restart="no",
                pull="never",
            )

    def start(self, name: str) -> None:
        with translated():
            self._client.container.start(name)

    def kill(self, name: str, *, signal: str) -> None:
        with translated():
            self._client.container.kill(name, signal=signal)

    def remove(self, kind: Kind, name: str) -> bool:
        """Remove it, running or not. False: it was gone already."""
        try:
            with translated():
                match kind:
                    case "container":
                        self._client.container.remove(name, force=True, volumes=True)
                    case "network":
                        self._client.network.remove(name)
                    case "volume":
                        self._client.volume.remove(name)
                    case _:
                        assert_never(kind)
        except NoSuchObjectError:
            return False
        except DockerError as error:
            if "already in progress" in error.said:
                return False
            raise
        return True

    def logs(self, name: str) -> str:
        """All it has printed, both outputs. Bytes that are no UTF-8 become U+FFFD."""
        with translated():
            lines = cast("Iterable[tuple[str, bytes]]", self._client.container.logs(name, stream=True))
            return b"".join(chunk for _, chunk in lines).decode("utf-8", errors="replace")

    def state(self, name: str) -> State:
        with translated():
            container = self._client.container.inspect(name)
            state, network = container.state, container.network_settings
            health = state.health
            bindings = {port: found for port, found in (network.ports or {}).items() if found}
            return State(
                status=state.status or "",
                running=bool(state.running),
                exit_code=state.exit_code or 0,
                oom_killed=bool(state.oom_killed),
                pid=state.pid or 0,
                error=state.error or "",
                health=health.status if health and health.status != "none" else None,
                health_said=tuple((entry.output or "").strip() for entry in (health.log or [])) if health else (),
                restarts=container.restart_count or 0,
                ports={_tcp(port): int(found[0]["HostPort"]) for port, found in bindings.items() if "/tcp" in port},
                address=next((one.ip_address for one in (network.networks or {}).values() if one.ip_address), ""),
            )

    def memory(self, name: str) -> int:
        """Bytes that its processes use, without the file cache that the kernel can take back."""
        with translated():
            (found,) = self._client.container.stats([name])
            return int(found.memory_used)

    def remove_images(self, pattern: str) -> int:
        """Remove the images whose name matches (`bakehouse/*`); how many went. Other names of theirs stay."""
        with translated():
            names = {tag for image in self._client.image.list(pattern) for tag in image.repo_tags}
            for name in names:
                self._client.image.remove(name, force=True)
        return len(names)

    def labelled(self, label: str) -> list[Labelled]:
        """Containers (running or not), networks and volumes that carry this label (`name` or `name=value`)."""
        wanted: list[tuple[Literal["label"], str]] = [("label", label)]
        found: list[Labelled] = []
        with translated():
            for container in self._client.container.list(all=True, filters=wanted):
                with contextlib.suppress(NoSuchContainer):  # it may go away while we look
                    found.append(
                        Labelled(
                            kind="container",
                            name=container.name,
                            labels=dict(container.config.labels or {}),
                            running=bool(container.state.running),
                            created=container.created,
                        )
                    )
            for network in self._client.network.list(filters=wanted):
                with contextlib.suppress(NoSuchNetwork):
                    found.append(Labelled(kind="network", name=network.name, labels=dict(network.labels or {})))
            for volume in self._client.volume.list(filters=wanted):
                with contextlib.suppress(NoSuchVolume):
                    found.append(Labelled(kind="volume", name=volume.name, labels=dict(volume.labels or {})))
        return found


def _words(value: str | Sequence[str] | None) -> Sequence[str]:
    return [value] if isinstance(value, str) else value or ()


def _mount(here: str, there: str, *, writable: bool = False) -> list[str]:
    """One `--mount`, which is a line of CSV: a path may hold a comma."""
    words = [f"source={here}", f"target={there}"]
    quoted = [f'"{word}"' if "," in word else word for word in words]
    return ["type=bind", *quoted, *([] if writable else ["readonly"])]


def _tcp(port: str) -> int:
    return int(port.removesuffix("/tcp"))
