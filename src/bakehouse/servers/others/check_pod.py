"""What a cluster refuses, or sets, beside a container: limits of cards, volumes, variables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.compose_file import Node
from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.kubernetes import CARDS, PodContainer
from bakehouse.lint.settings import Word
from bakehouse.servers.others.started import started_by

_RESOURCES = "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/"
_VARIABLES = "https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/"
_LINKS = "https://docs.vllm.ai/en/latest/configuration/env_vars.html"


def check_pod(one: PodContainer, services: frozenset[str]) -> Iterator[Finding]:
    """`services` are the names of the Services of the file."""
    yield from _check_limits(one.node)
    yield from _check_volumes(one)
    yield from _check_references(one)
    yield from _check_links(one, services)


def _check_volumes(one: PodContainer) -> Iterator[Finding]:
    names = {word.text for volume in one.pod.nodes("volumes") if (word := volume.word("name"))} | one.claims
    for mount in one.node.nodes("volumeMounts"):
        name = mount.word("name")
        if name is not None and name.text not in names:
            yield finding(
                name,
                "is a volume that the pod does not have",
                "The cluster refuses the pod: a mount names one of its volumes.",
                f"volumes: [{{name: {name.text}, ...}}] beside containers",
                link="https://kubernetes.io/docs/concepts/storage/volumes/",
            )


def _check_references(one: PodContainer) -> Iterator[Finding]:
    """`$(NAME)` without a variable of that name stays as it is written."""
    if one.node.find("envFrom") is not None:
        return
    names = {setting.name for setting in one.run.variables}
    for word in (*one.run.entrypoint, *one.run.command):
        for found in re.finditer(r"(?<!\$)\$\((?P<name>[A-Za-z_][A-Za-z0-9_]*)\)", word.text):
            if found["name"] not in names and " " not in word.text:
                yield finding(
                    word,
                    "is taken as it is written",
                    f"The container has no variable {found['name']}, and then nothing is put in its place.",
                    f"env: [{{name: {found['name']}, value: ...}}]",
                    link=_VARIABLES,
                )


def _check_links(one: PodContainer, services: frozenset[str]) -> Iterator[Finding]:
    """For each Service a cluster sets NAME_PORT to an address, which a server may read as its own."""
    started = started_by(one.run)
    links = one.pod.word("enableServiceLinks")
    if started is None or (links is not None and links.text.lower() == "false"):
        return
    own = {setting.name for setting in one.run.variables}
    for name in sorted(services):
        variable = f"{name.upper().replace('-', '_')}_PORT"
        if variable in started.server.clashes and variable not in own:
            yield finding(
                Word(text=f"Service {name}", where=one.node.where),
                f"gives {started.server.title} a {variable} that is no number",
                f"The cluster sets {variable}=tcp://... for a Service of this name, and the server ends with an error.",
                "another name for the Service, or enableServiceLinks: false",
                link=_LINKS,
            )


def _check_limits(node: Node) -> Iterator[Finding]:
    """Cards are whole and cannot be shared out: the cluster takes a request for them only beside an equal limit."""
    resources = node.node("resources")
    limits = resources.node("limits") if resources else None
    requests = resources.node("requests") if resources else None
    for key in requests.keys() if requests else ():
        asked = requests.word(key) if requests else None
        if not key.startswith(CARDS) or asked is None:
            continue
        limit = limits.word(key) if limits else None
        if limit is None or limit.text != asked.text:
            yield finding(
                Word(text=f"requests {key}: {asked.text}", where=asked.where),
                "has no limit that is the same",
                "The cluster refuses the pod: of a card a request and a limit are one.",
                f"limits: {{{key}: {asked.text}}}",
                link=_RESOURCES,
            )
    for parent in (limits, requests):
        for key in parent.keys() if parent else ():
            number = parent.word(key) if parent else None
            if number is not None and key.startswith(("nvidia.com/gpu", "amd.com/gpu")) and not number.text.isdigit():
                yield finding(
                    Word(text=f"{key}: {number.text}", where=number.where),
                    "is no whole number",
                    "The cluster refuses the pod: a card cannot be divided by a limit.",
                    f"{key}: 1; parts of a card are made by MIG or time slicing",
                    link=_RESOURCES,
                )
