"""Whether a server in a container is reached: host and port against EXPOSE, published ports and the health check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bakehouse.errors import Where
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.server_start import ServerStart, setting_of
from bakehouse.lint.settings import Setting, Word

PORT = "8080"
"""Where the server listens unless it is told otherwise, and where health checks of the project's images ask."""
_PORT_IN_URL = re.compile(r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):(?P<port>[0-9]+)")
_LOOPBACK = re.compile(r"127\.[0-9.]+|localhost|::1|\[::1\]")
_DEFAULT_CHANGES = "https://github.com/ggml-org/llama.cpp/pull/26508"


@dataclass(frozen=True, kw_only=True, slots=True)
class Listening:
    """A server in a container, with what is known of the way to it."""

    start: ServerStart
    variables: Sequence[Setting]
    """Of the container's environment."""
    ports: Sequence[Word]
    """Ports of the container that are exposed or published."""
    ports_are: str
    """`EXPOSE`, `ports`: how such a port is written."""
    health: Sequence[Word]
    """Words of the health check; empty where none is written."""
    health_where: Where | None
    shares_host_network: bool = False
    image_is_unknown: bool = False
    """Whether the image may set host and port itself, so that what is not told here is not missing."""

    @property
    def port(self) -> Word | None:
        return setting_of(self.start, self.variables, ("--port",), "LLAMA_ARG_PORT")

    @property
    def host(self) -> Word | None:
        return setting_of(self.start, self.variables, ("--host",), "LLAMA_ARG_HOST")


def check_listening(one: Listening) -> Iterator[Finding]:
    host = one.host
    if host is not None and host.text.endswith(".sock"):
        return
    if not one.shares_host_network:
        yield from _check_host(one, host)
    yield from _check_port(one)


def _check_host(one: Listening, host: Word | None) -> Iterator[Finding]:
    if host is None and not one.start.is_inherited and not one.image_is_unknown:
        yield finding(
            one.start.program,
            "does not say its host",
            "The server then listens on 127.0.0.1, which in a container only the container itself reaches.",
            "LLAMA_ARG_HOST=0.0.0.0 in the environment, or --host 0.0.0.0",
            severity=Severity.WARNING,
        )
    elif host is not None and _LOOPBACK.fullmatch(host.text):
        yield finding(
            host,
            "is reached from inside the container only",
            "Published ports lead to the container's own address; a health check inside stays green.",
            "0.0.0.0 (publish the port on 127.0.0.1 of the host where nobody else may reach it)",
        )


def _check_port(one: Listening) -> Iterator[Finding]:
    port = one.port
    if port is None and one.image_is_unknown:
        return
    if port is None and not one.start.is_inherited:
        yield finding(
            one.start.program,
            "does not say its port",
            "The server's default is to change from 8080 to 9931.",
            "--port, or LLAMA_ARG_PORT",
            severity=Severity.NOTE,
            link=_DEFAULT_CHANGES,
        )
    if port is not None and not (port.complete and port.text.isdigit()):
        return
    listens = port.text if port else PORT
    why = f"The server listens on {listens}{'' if port else ', its default'}."
    yield from _check_health(one, listens, why)
    numbers = [word.text.partition("/")[0] for word in one.ports]
    if numbers and listens not in numbers and all(number.isdigit() for number in numbers):
        published = one.ports_are not in ("EXPOSE", "containerPort")
        yield finding(
            one.ports[0],
            "is not where the server listens",
            why,
            f"{one.ports_are} {listens}" if not published else f"{listens} behind the colon, or --port {numbers[0]}",
            severity=Severity.ERROR if published else Severity.WARNING,
        )


def _check_health(one: Listening, listens: str, why: str) -> Iterator[Finding]:
    asked = next((found["port"] for word in one.health if (found := _PORT_IN_URL.search(word.text))), None)
    if asked is not None and asked != listens and one.health_where:
        word = Word(text=f"port {asked}", where=one.health_where)
        yield finding(word, "is not where the server listens", why, f"port {listens}")
    if one.health_where is None and one.start.is_inherited and listens != PORT:
        yield finding(
            one.port or one.start.program,
            f"is not where the health check of the base image asks: port {PORT}",
            "The check is inherited and fails for ever, so the container is unhealthy though it serves.",
            f"a health check of your own on port {listens}, or port {PORT}",
            severity=Severity.WARNING,
        )
