"""A server behind the measured one: how it is started, and when the measured one has found it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import requests

from bakehouse.engine.container import Launch
from bakehouse.model.suite import Subject
from bakehouse.model.work import ADDRESS, Behind
from bakehouse.probes import ProbeFailed
from bakehouse.probes.serving import bare, inside_recipe

FOUND = "200"
_POLL = 0.05
_ANSWER = 2.0


def launch(subject: Subject, about: Behind, *, run: str) -> Launch:
    """A container of the subject's image that runs the command."""
    program, *args = about.command
    started = bare(subject, run=run, args=tuple(args), entrypoint=program)
    files = {str(inside_recipe(Path(subject.recipe_folder), name)): there for name, there in about.mounts.items()}
    return replace(started, files=files, port=about.port)


def told(about: Behind, host: str) -> dict[str, str]:
    """What the measured server is told of it."""
    return {name: value.replace(ADDRESS, f"http://{host}:{about.port}") for name, value in about.env.items()}


def asked(address: str) -> str:
    """The status, or what went wrong."""
    try:
        return str(requests.get(address, timeout=_ANSWER).status_code)
    except requests.RequestException as error:
        return type(error).__name__


def wait_found(
    url: str,
    path: str,
    *,
    patience: float,
    ask: Callable[[str], str] = asked,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Raises ProbeFailed where the server does not say 200 there within `patience` seconds."""
    until = clock() + patience
    while (said := ask(url + path)) != FOUND:
        if clock() >= until:
            raise ProbeFailed(f"after {patience:g} s it has not found the server behind it: {path} gives {said}")
        sleep(_POLL)
