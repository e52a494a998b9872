"""The image that a Dockerfile makes on one of a server of others, or with its program."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bakehouse.errors import Where
from bakehouse.lint.container_file import Contents
from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.settings import Word
from bakehouse.servers.others.check_client import check_client
from bakehouse.servers.others.check_service import check_service
from bakehouse.servers.others.known import servers
from bakehouse.servers.others.started import started_by


def run_of(image: Sequence[Contents]) -> ContainerRun | None:
    """The container that it starts, of whose devices and memory nothing is known."""
    if not image:
        return None
    last, lowest = image[-1], image[0]
    return ContainerRun(
        image=Word(text=lowest.image, where=Where(file=lowest.file, line=lowest.stage.line)),
        entrypoint=last.entrypoint,
        command=last.command,
        variables=tuple(setting for one in image for setting in one.variables),
        ports=tuple(last.ports),
        ports_are="EXPOSE",
        devices_known=False,
        health=tuple(word for command in last.health or () for word in command.words),
        health_where=last.health_where,
    )


def check_image(image: Sequence[Contents]) -> Iterator[Finding]:
    yield from _check_clients(image)
    run = run_of(image)
    started = started_by(run) if run else None
    if run is None or started is None:
        return
    yield from check_service(run)
    yield from check_client(run)


def _check_clients(image: Sequence[Contents]) -> Iterator[Finding]:
    """`RUN ollama pull MODEL`: its server does not run in a build, unless the same line starts it."""
    for one in image:
        for instruction in one.stage.instructions:
            for server in servers() if instruction.name == "RUN" else ():
                for program in server.programs if server.needs_itself else ():
                    name = program.split(" ")[0]
                    asks = re.search(rf"\b{name} (?:{'|'.join(server.needs_itself)})\b", instruction.body.text)
                    if asks and not re.search(rf"\b{program}\b|\.sh\b", instruction.body.text):
                        where = Where(file=one.file, line=instruction.body.line(asks.start()))
                        yield finding(
                            Word(text=asks[0], where=where),
                            "asks a server that does not run in a build",
                            "It is started with the container, and each RUN line has processes of its own.",
                            f"RUN {program} & sleep 5 && {asks[0]} MODEL, or fetch when the container starts",
                            link=server.link,
                        )
