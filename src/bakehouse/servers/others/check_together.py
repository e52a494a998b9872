"""Services of one file against each other: names, ports, addresses, and what waits for what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bakehouse.lint.compose_file import ComposeFile, Node
from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.settings import Setting, Word
from bakehouse.servers.others.known import has_no_health_check

_URL = re.compile(
    r"(?P<scheme>https?|grpc|redis|postgres(?:ql)?)://(?:[^@/\s]*@)?(?P<host>[A-Za-z0-9._-]+):(?P<port>[0-9]+)"
)
_LOOPBACK = re.compile(r"localhost|127\.0\.0\.1|0\.0\.0\.0")
_FOR_BROWSERS = re.compile(
    r"ORIGIN|CORS|PUBLIC|EXTERNAL|CALLBACK|REDIRECT|FRONTEND|BROWSER|VITE_|REACT_|WEBUI_URL|ROOT_URL|SITE"
)
"""In names of variables: addresses for the browser of a person, who is on the host."""
_SPEC = "https://github.com/compose-spec/compose-spec/blob/main/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A service beside others."""

    node: Node
    run: ContainerRun
    port: str | None
    """Where its server listens, where that is known."""
    builds: bool
    has_health: bool | None
    """Whether something checks its health; None where that is not known."""


def check_together(file: ComposeFile, members: Mapping[str, Member]) -> Iterator[Finding]:
    for name, one in members.items():
        yield from _check_waits(name, one, members)
        yield from _check_addresses(name, one, members)
        yield from _check_volumes(one, file)
        yield from _check_networks(one, file)
        yield from _check_gateway(one)
    yield from _check_published(members)


# ---------------------------------------------------------------------------------------------- what waits for what


def _check_waits(name: str, one: Member, members: Mapping[str, Member]) -> Iterator[Finding]:
    found = one.node.find("depends_on")
    if found is None or "include" in one.node.file.document.value:
        return
    waits = one.node.node("depends_on")
    for other in waits.keys() if waits else (word.text for word in one.node.items("depends_on")):
        where = waits.where_of(other) if waits else one.node.where_of("depends_on")
        word = Word(text=f"depends_on {other}", where=where)
        if other not in members:
            if _is_whole(one):
                yield finding(
                    word,
                    "names no service of the file",
                    "Compose refuses the file.",
                    f"one of {', '.join(sorted(set(members) - {name})) or 'the services'}",
                    link=f"{_SPEC}05-services.md#depends_on",
                    severity=Severity.WARNING,
                )
            continue
        condition = waits.node(other) if waits else None
        told = condition.word("condition") if condition else None
        if told is None:
            continue
        if told.text not in _CONDITIONS:
            yield finding(told, "is no condition", "Compose refuses the file.", " or ".join(_CONDITIONS))
        elif told.text == "service_healthy" and members[other].has_health is False:
            yield finding(
                told,
                f"waits for a health check that {other} does not have",
                'Its image has none, and the file gives it none: "container has no healthcheck configured".',
                f"a healthcheck in {other}, or condition: service_started",
                link=f"{_SPEC}05-services.md#depends_on",
            )


_CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")


def _is_whole(one: Member) -> bool:
    """Whether the service can be started by this file alone: no part of one in another."""
    return one.run.image is not None or one.builds


def health_of(node: Node, run: ContainerRun, *, own: bool | None) -> bool | None:
    """Whether a service has a health check. `own` is that of the Dockerfile that it builds, where it is at hand."""
    health = node.node("healthcheck")
    disabled = health.word("disable") if health else None
    if disabled is not None and disabled.text.lower() == "true":
        return False
    test = health.find("test") if health else None
    if test is not None:
        return test[0] not in (["NONE"], "NONE")
    if node.find("build") is not None:
        return own
    if run.image is not None and run.image.complete and has_no_health_check(run.image.text):
        return False
    return None


# ---------------------------------------------------------------------------------------------- addresses


def _check_addresses(name: str, one: Member, members: Mapping[str, Member]) -> Iterator[Finding]:
    """URLs in variables and commands that lead to another service."""
    places: tuple[Setting | Word, ...] = (*one.run.variables, *one.run.command)
    for at in places:
        if isinstance(at, Setting) and _FOR_BROWSERS.search(at.name):
            continue
        text = at.value if isinstance(at, Setting) else at.text
        for found in _URL.finditer(text):
            yield from _check_address(name, one, members, at, found)


def _check_address(
    name: str, one: Member, members: Mapping[str, Member], at: Setting | Word, found: re.Match[str]
) -> Iterator[Finding]:
    host, port = found["host"], found["port"]
    subject = at.as_variable if isinstance(at, Setting) else at.text
    other = members.get(host)
    inside = {word.text for word in other.run.ports} if other is not None else set()
    if other is not None and host != name and other.port is None and port in _host_ports(other) and port not in inside:
        yield finding(
            at,
            f"asks {host} at a port of the machine",
            "Between containers the port behind the colon counts, where the server listens.",
            f"{found['scheme']}://{host}:{next(iter(sorted(inside)), 'PORT')}",
            subject=subject,
        )
    elif other is not None and host != name and other.port not in (None, port):
        if port not in {word.text for word in other.run.ports}:
            yield finding(
                at,
                f"asks {host} at a port where it does not listen",
                f"Between containers the published port does not count; {host} listens on {other.port}.",
                f"{found['scheme']}://{host}:{other.port}",
                subject=subject,
            )
    elif _LOOPBACK.fullmatch(host) and not one.run.shares_host_network and port != one.port:
        if port in {word.text for word in one.run.ports}:
            return
        target = next((key for key, value in members.items() if key != name and _listens(value, port)), None)
        if target is not None and _is_between(one, members[target]):
            yield finding(
                at,
                "leads to the container itself",
                f"In a container {host} is the container; {target} is another one.",
                f"{found['scheme']}://{target}:{members[target].port or port}",
                subject=subject,
                severity=Severity.WARNING if _is_filled(one, at) else Severity.ERROR,
            )


def _is_filled(one: Member, at: Setting | Word) -> bool:
    """Whether a default of the file stands there, which the environment may replace."""
    lines = one.node.file.lines
    return "${" in "".join(lines[(at.where.line or 1) - 1 : at.where.line])


def _listens(one: Member, port: str) -> bool:
    return port == one.port or port in {word.text for word in one.run.ports} or port in _host_ports(one)


def _is_between(one: Member, other: Member) -> bool:
    """Whether both are on networks of the engine."""
    modes = (one.node.word("network_mode"), other.node.word("network_mode"))
    return not any(mode is not None and mode.text != "bridge" for mode in modes)


_GATEWAY = "host.docker.internal"


def _check_gateway(one: Member) -> Iterator[Finding]:
    """The host by its name, which Docker Desktop knows by itself, and an engine on Linux does not."""
    places: tuple[Setting | Word, ...] = (*one.run.variables, *one.run.command)
    for at in places:
        text = at.value if isinstance(at, Setting) else at.text
        if _GATEWAY in text and one.node.find("extra_hosts") is None and not one.run.shares_host_network:
            yield finding(
                at,
                "names a host that an engine on Linux does not know",
                "Docker Desktop brings host.docker.internal by itself; elsewhere the name is not found.",
                'extra_hosts: ["host.docker.internal:host-gateway"]',
                subject=at.as_variable if isinstance(at, Setting) else at.text,
                severity=Severity.WARNING,
                link="https://docs.docker.com/reference/cli/docker/container/run/#add-host",
            )
            return


# ---------------------------------------------------------------------------------------------- ports and volumes


def _host_ports(one: Member) -> dict[str, Word]:
    found: dict[str, Word] = {}
    for word in one.node.items("ports"):
        parts = word.text.partition("/")[0].split(":")
        if len(parts) > 1 and parts[-2].isdigit() and not word.text.endswith("/udp"):
            address = parts[0] if len(parts) > 2 else ""  # noqa: PLR2004 - ADDRESS:PORT:PORT
            found[f"{address}:{parts[-2]}" if address not in ("", "0.0.0.0") else parts[-2]] = word  # noqa: S104
    return found


def _check_published(members: Mapping[str, Member]) -> Iterator[Finding]:
    """Two services that are started together on one port of the host."""
    first: dict[str, str] = {}
    for name, one in members.items():
        if one.node.find("profiles") is not None:
            continue
        for port, word in _host_ports(one).items():
            if port in first and first[port] != name:
                yield finding(
                    word,
                    f"is taken by {first[port]} already",
                    "Two containers cannot publish on one port of the host: the second one does not start.",
                    "another port before the colon",
                )
            first.setdefault(port, name)


def _check_volumes(one: Member, file: ComposeFile) -> Iterator[Finding]:
    """A volume by name that the file does not declare."""
    declared = file.document.value.get("volumes")
    names = declared if isinstance(declared, Mapping) else {}
    if "include" in file.document.value or not _is_whole(one):
        return
    for word in one.node.items("volumes"):
        source, colon, _ = word.text.partition(":")
        if colon and word.complete and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]+", source) and source not in names:
            yield finding(
                Word(text=source, where=word.where),
                "is a volume that the file does not declare",
                'Compose refuses the file: "refers to undefined volume".',
                f"volumes: {{{source}: {{}}}} at the top, or ./{source} for a folder",
                severity=_if_alone(file),
                link=f"{_SPEC}07-volumes.md",
            )


def _check_networks(one: Member, file: ComposeFile) -> Iterator[Finding]:
    """A network by name that the file does not declare."""
    declared = file.document.value.get("networks")
    names = {*(declared if isinstance(declared, Mapping) else {}), "default"}
    if "include" in file.document.value or not _is_whole(one):
        return
    networks = one.node.node("networks")
    asked = [(name, networks.where_of(name)) for name in networks.keys()] if networks else []  # noqa: SIM118
    asked += [(word.text, word.where) for word in one.node.items("networks") if word.complete]
    for name, where in asked:
        if name not in names:
            yield finding(
                Word(text=name, where=where),
                "is a network that the file does not declare",
                'Compose refuses the file: "refers to undefined network".',
                f"networks: {{{name}: {{}}}} at the top",
                severity=_if_alone(file),
                link=f"{_SPEC}06-networks.md",
            )


_ALONE = re.compile(r"(?:docker-)?compose\.ya?ml")


def _if_alone(file: ComposeFile) -> Severity:
    """A file by another name than Compose looks for is often one part of several."""
    name = file.document.file.rpartition("/")[2]
    return Severity.ERROR if _ALONE.fullmatch(name) else Severity.WARNING
