"""A container with a server of others: its command, port, host, cards and shared memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.settings import Word
from bakehouse.servers.others.check_start import check_start
from bakehouse.servers.others.started import Started, started_by

_LOOPBACK = re.compile(r"(?:127\.[0-9.]+|localhost|\[?::1\]?)(?::[0-9]+)?")
_URL = re.compile(r"(?:https?://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0):(?P<port>[0-9]+)(?P<path>/[^\s\"']*)?")


def check_service(run: ContainerRun) -> Iterator[Finding]:
    """Silent where another server, or nothing that is known, is started."""
    started = started_by(run)
    if started is None:
        return
    yield from check_start(started)
    if started.given and started.given[0].text.startswith("-"):
        return
    yield from _check_port(run, started)
    if not run.shares_host_network:
        yield from _check_host(started)
    yield from _check_workers(run, started)
    if run.devices_known and run.image is not None and started.image is not None:
        yield from _check_card(run, run.image, started)


# ---------------------------------------------------------------------------------------------- the way to it


def _check_port(run: ContainerRun, started: Started) -> Iterator[Finding]:
    port = started.port
    if port is None or not (started.image or started.told(started.server.port)):
        return
    listens = {port, *_others(started)}
    told = started.told(started.server.port)
    why = f"{started.server.title} listens on {port}{'' if told else ', its default'}."
    numbers = [word.text for word in run.ports]
    missed = [word for word in run.ports if word.text not in listens]
    if missed and all(number.isdigit() for number in numbers) and port not in numbers:
        exposed = run.ports_are in ("EXPOSE", "containerPort")
        yield finding(
            missed[0],
            "is not where the server listens",
            why,
            f"{run.ports_are} {port}" if exposed else f"{port} behind the colon",
            severity=Severity.WARNING if exposed else Severity.ERROR,
            link=started.server.link,
        )
    for word in run.health:
        asked = _URL.search(word.text)
        if asked and asked["port"] not in listens:
            yield finding(
                Word(text=f"port {asked['port']}", where=word.where),
                "is not where the server listens",
                f"{why} The check fails for ever, and the container is unhealthy.",
                f"port {port}",
                link=started.server.link,
            )


def _others(started: Started) -> Iterator[str]:
    for by in started.server.others.values():
        word = started.told(by)
        yield word.text if word else str(by.default)


def _check_host(started: Started) -> Iterator[Finding]:
    told = started.told(started.server.host)
    default = str(started.server.host.default)
    if told is not None and _LOOPBACK.fullmatch(told.text):
        yield finding(
            told,
            "is reached from inside the container only",
            "Published ports and other containers lead to the container's own address.",
            "0.0.0.0 (publish the port on 127.0.0.1 of the host where nobody else may reach it)",
            link=started.server.link,
        )
    elif told is None and _LOOPBACK.fullmatch(default) and started.server.host.options:
        yield finding(
            started.program,
            "does not say its host",
            f"{started.server.title} then listens on {default}, which only the container itself reaches.",
            f"{started.server.host.options[0]} 0.0.0.0",
            severity=Severity.WARNING,
            link=started.server.link,
        )


# ---------------------------------------------------------------------------------------------- cards and memory


def _check_workers(run: ContainerRun, started: Started) -> Iterator[Finding]:
    workers = started.number(started.server.workers)
    if workers is None or workers < 2:  # noqa: PLR2004 - one works alone
        return
    word = next(one for one in started.words if one.text.partition("=")[0] in started.server.workers)
    subject = f"{word.text.partition('=')[0]} {workers}"
    if not run.shares_memory and run.ports_are != "EXPOSE":
        yield finding(
            word,
            "needs more shared memory than the container has",
            "Its processes exchange tensors through /dev/shm, of which a container gets 64 MB: NCCL ends with an "
            "error, or with a bus error.",
            run.gives_memory,
            subject=subject,
            severity=Severity.WARNING,
            link=started.server.link,
        )
    if run.cards is not None and workers > run.cards and not _spans_machines(run):
        yield finding(
            word,
            f"needs {workers} cards, and the container gets {run.cards}",
            "Each of its processes takes a card of its own: the server ends.",
            f"{workers} cards for the container, or {word.text.partition('=')[0]} {run.cards}",
            subject=subject,
            link=started.server.link,
        )


_CLUSTER = re.compile(r"\bray\b|LWS_|nnodes|node-rank|leader")


def _spans_machines(run: ContainerRun) -> bool:
    """Whether its processes are on several machines: by Ray, by a set of pods with a leader."""
    return any(_CLUSTER.search(word.text) for word in (*run.entrypoint, *run.command))


def _check_card(run: ContainerRun, image: Word, started: Started) -> Iterator[Finding]:
    accelerator = started.image.accelerator if started.image else None
    devices = " ".join(run.devices)
    if accelerator == "cuda" and not run.has_nvidia:
        yield _without_card(image, run.gives_cards, started)
    elif accelerator == "rocm" and "amd.com/" not in devices:
        missing = [one for one in ("/dev/kfd", "/dev/dri") if one not in devices]
        if missing:
            yield _without_card(image, f"devices {' and '.join(missing)}", started)
    elif accelerator == "xpu" and "/dev/dri" not in devices and "intel.com/" not in devices:
        yield _without_card(image, "the device /dev/dri", started)


def _without_card(image: Word, instead: str, started: Started) -> Finding:
    """A warning, since another file may bring the device: `-f compose.yaml -f compose.nvidia.yaml`."""
    why = "No device reaches the container: the server ends, or computes on the CPU."
    return finding(image, "gets no card", why, instead, severity=Severity.WARNING, link=started.server.link)
