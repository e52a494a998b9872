"""`stacks/NAME.yaml` and the machine's file, read and checked by their form."""

from __future__ import annotations

import re
from pathlib import Path

from bakehouse.config.layout import HOSTS, STACKS, ProjectLayout
from bakehouse.config.load import load_document, validate
from bakehouse.config.suggest import suggest
from bakehouse.errors import InputError, Where
from bakehouse.model.stack import Stack
from bakehouse.model.stack_host import HostFile
from bakehouse.stacks.loaded import HOST, STACK, Loaded

DETECTED = "detect"
"""As the name of a machine: this one, as it is."""
_NAME = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}")


def load_stack(name: str, *, layout: ProjectLayout, host: str | None = None) -> Loaded:
    """The stack, and the machine that `host` or the stack itself names. Raises InputError."""
    document = load_document(_find(name, STACKS, "stack", layout), root=layout.root)
    stack = validate(document, Stack)
    named = host or stack.host or DETECTED
    if named == DETECTED:
        return Loaded(name=name, stack=stack, host=None, documents={STACK: document})
    where = document.where(("host",)) if host is None else None
    of_host = load_document(_find(named, HOSTS, "machine", layout, where), root=layout.root)
    return Loaded(
        name=name,
        stack=stack,
        host=validate(of_host, HostFile),
        documents={STACK: document, HOST: of_host},
        host_name=named,
    )


def names(layout: ProjectLayout, folder: str = STACKS) -> list[str]:
    """Stacks, or machines, of the project and those that ship."""
    found = {path.stem for place in layout.places(folder) for path in place.glob("*.yaml")}
    return sorted(found)


def _find(name: str, folder: str, what: str, layout: ProjectLayout, where: Where | None = None) -> Path:
    file = f"{folder}/{name}.yaml"
    path = layout.find(file) if _NAME.fullmatch(name) else None
    if path is None:
        raise InputError(
            f"there is no {what} {name!r}",
            hint=f"{suggest(name, names(layout, folder))} {layout.looked(file)}",
            where=where,
        )
    return path
