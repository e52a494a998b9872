"""A container that is started: by `docker run`, by a compose file, by a unit of Podman."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bakehouse.errors import Where
from bakehouse.lint.command import ASSIGNMENT, Command
from bakehouse.lint.settings import Setting, Word

_ENGINES = frozenset({"docker", "podman", "nerdctl"})
_FLAGS = frozenset(
    {
        "-d", "-i", "-t", "-it", "-ti", "-dit", "-itd", "-P", "-q", "--detach", "--interactive", "--tty", "--rm",
        "--init", "--privileged", "--read-only", "--publish-all", "--quiet", "--no-healthcheck", "--oom-kill-disable",
        "--replace", "--tls-verify", "--sig-proxy", "--no-hosts", "--disable-content-trust",
    }
)  # fmt: skip
"""Options of `run` that take no value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunMount:
    """Something that is laid over a folder of the container."""

    word: Word
    target: str | None
    """None where nobody can tell."""
    is_bind: bool
    """Whether a folder of the host hides what the image has there; a new volume is filled from the image."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerRun:
    """What is known of it without the image."""

    image: Word | None
    """None where it is built from a Dockerfile that is not at hand."""
    entrypoint: tuple[Word, ...]
    command: tuple[Word, ...]
    variables: tuple[Setting, ...] = ()
    ports: tuple[Word, ...] = ()
    """The container's side of published ports."""
    ports_are: str = "ports"
    devices: tuple[str, ...] = ()
    """Devices of the host that it gets: `/dev/dri`, `nvidia.com/gpu=all`."""
    has_nvidia: bool = False
    """Whether NVIDIA cards are asked for by any way."""
    devices_known: bool = True
    """False where something that cannot be read may bring devices."""
    health: tuple[Word, ...] = ()
    health_where: Where | None = None
    shares_host_network: bool = False
    entrypoint_is_cleared: bool = False
    mounts: tuple[RunMount, ...] = ()
    files_known: bool = True
    """False where files may come into the container by another way than its mounts."""
    cards: int | None = None
    """How many cards it gets, where a number says so."""
    shares_memory: bool = True
    """Whether /dev/shm is larger than the engine's 64 MB, or may be."""
    groups: tuple[Word, ...] = ()
    """Groups that it gets beside those of its user."""
    must_be_nonroot: Word | None = None
    """Where it is told that its user may not be root, and which one it is to be is not."""
    gives_cards: str = (
        "--gpus all; in a compose file gpus: all, or deploy.resources.reservations.devices with capabilities: [gpu]"
    )
    """How a card of NVIDIA is asked for where this is written."""
    gives_memory: str = "ipc: host or shm_size: 8gb; --ipc=host or --shm-size 8g"
    """How more shared memory is asked for where this is written."""


def container_of(command: Command) -> ContainerRun | None:
    """`docker run ...`; None for any other command."""
    words = command.words
    if command.program not in _ENGINES or not any(word.text in ("run", "create") for word in words[1:3]):
        return None
    at = next(index for index, word in enumerate(words) if word.text in ("run", "create")) + 1
    options, rest = _options(words[at:])
    if not rest:
        return None
    entrypoint = [value for name, value in options if name == "--entrypoint"]
    devices = [value.text for name, value in options if name == "--device"]
    return ContainerRun(
        image=rest[0],
        entrypoint=tuple(one for one in entrypoint[-1:] if one.text),
        entrypoint_is_cleared=bool(entrypoint and not entrypoint[-1].text),
        command=rest[1:],
        variables=tuple(_variables(options)),
        ports=tuple(_port(value) for name, value in options if name in ("-p", "--publish")),
        ports_are="-p",
        devices=tuple(devices),
        has_nvidia=_asks_for_nvidia(options, devices),
        devices_known=_are_known(options) and rest[0].complete,
        health=tuple(value for name, value in options if name == "--health-cmd"),
        health_where=next((value.where for name, value in options if name == "--health-cmd"), None),
        shares_host_network=any(name in ("--network", "--net") and value.text == "host" for name, value in options),
        mounts=tuple(_mounts(options)),
        files_known=not any(name in ("--volumes-from", "--env-file") for name, _ in options),
        cards=_cards(options),
        groups=tuple(value for name, value in options if name == "--group-add"),
        shares_memory=any(_is_shared(name, value.text) for name, value in options),
    )


def _are_known(options: Sequence[tuple[str, Word]]) -> bool:
    """Whether no option may bring devices that cannot be read."""
    if any(name == "--privileged" for name, _ in options):
        return False
    return all(value.complete for name, value in options if name in ("--device", "--gpus", "--runtime"))


_WHOLE = re.compile(r"\"?(?:device=)?(?P<cards>[0-9]+(?:,[0-9]+)*|GPU-[^,\"]+(?:,GPU-[^,\"]+)*)\"?")


def _cards(options: Sequence[tuple[str, Word]]) -> int | None:
    """`--gpus 2`, `--gpus device=0,1`."""
    asked = next((value.text.strip("'") for name, value in options if name == "--gpus"), "")
    found = _WHOLE.fullmatch(asked)
    if found is None:
        return None
    return len(found["cards"].split(",")) if "device" in asked else int(asked) if asked.isdigit() else None


def _is_shared(name: str, value: str) -> bool:
    return (
        name == "--shm-size"
        or (name == "--ipc" and value not in ("private", "none"))
        or (name in ("-v", "--volume", "--mount", "--tmpfs") and "/dev/shm" in value)  # noqa: S108 - in the container
    )


def _mounts(options: Sequence[tuple[str, Word]]) -> Iterator[RunMount]:
    for name, value in options:
        if name in ("-v", "--volume"):
            yield mount_of(value)
        elif name == "--mount":
            parts = dict(part.partition("=")[::2] for part in value.text.split(","))
            target = next((parts[key] for key in ("target", "dst", "destination") if key in parts), None)
            is_bind = parts.get("type") == "bind"
            yield RunMount(word=value, target=target if value.complete else None, is_bind=is_bind)


def mount_of(value: Word) -> RunMount:
    """`./models:/models:ro`"""
    parts = value.text.split(":")
    target = parts[1] if len(parts) > 1 else parts[0]
    is_bind = len(parts) > 1 and parts[0].startswith((".", "/", "~", "$"))
    is_known = value.complete and "\\" not in value.text
    return RunMount(word=value, target=target if is_known else None, is_bind=is_bind)


_ATTACHED = re.compile(r"(?P<name>-[pveuwhlmc])(?P<value>[^-=\s].*)", re.DOTALL)
"""`-p8000:8000`: one letter, and its value with no blank between."""


def _options(words: Sequence[Word]) -> tuple[list[tuple[str, Word]], tuple[Word, ...]]:
    """Options with their values, and what comes after them: the image and its command."""
    found: list[tuple[str, Word]] = []
    index = 0
    while index < len(words) and words[index].text.startswith("-"):
        word = words[index]
        name, equals, value = word.text.partition("=")
        short = _ATTACHED.fullmatch(word.text)
        if short and word.text not in _FLAGS:
            found.append((short["name"], Word(text=short["value"], where=word.where, complete=word.complete)))
        elif equals:
            found.append((name, Word(text=value, where=word.where, complete=word.complete)))
        elif name in _FLAGS or index + 1 >= len(words):
            found.append((name, word))
        else:
            index += 1
            found.append((name, words[index]))
        index += 1
    return found, tuple(words[index:])


def _variables(options: Sequence[tuple[str, Word]]) -> Iterator[Setting]:
    for name, value in options:
        found = ASSIGNMENT.fullmatch(value.text) if name in ("-e", "--env") else None
        if found:
            yield Setting(name=found["name"], value=found["value"], where=value.where, complete=value.complete)


def _asks_for_nvidia(options: Sequence[tuple[str, Word]], devices: Sequence[str]) -> bool:
    asked = any(name == "--gpus" or (name == "--runtime" and "nvidia" in value.text) for name, value in options)
    return asked or any("nvidia" in one for one in devices)


def _port(value: Word) -> Word:
    """`127.0.0.1:8000:8080/tcp` to `8080`."""
    return container_port(value)


def container_port(value: Word) -> Word:
    """The container's side of a published port."""
    inside = value.text.partition("/")[0].rpartition(":")[2]
    return Word(text=inside, where=value.where, complete=value.complete)
