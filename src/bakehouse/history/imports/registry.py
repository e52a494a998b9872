"""The formats that can be imported, and telling them apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from bakehouse.errors import InputError
from bakehouse.history.imports import aiperf, guidellm
from bakehouse.history.imports.document import Origin, documents
from bakehouse.history.imports.reference_tool import ToolImporter
from bakehouse.model.history import Row
from bakehouse.servers import REFERENCE_TOOLS


class Importer(Protocol):
    """A module with these two names is one, too."""

    def recognizes(self, document: Any) -> bool:
        """Whether the file's first document is of its program."""
        ...

    def read(self, path: Path, documents: list[tuple[int, Any]], origin: Origin) -> Iterator[Row]:
        """Its rows. InputError with file and line where the file is not what it seemed."""
        ...


FORMATS: dict[str, Importer] = {
    **{tool.program: ToolImporter(tool) for tool in REFERENCE_TOOLS},
    "guidellm": guidellm,
    "aiperf": aiperf,
}


def read(path: Path, origin: Origin, *, format_: str | None = None) -> list[Row]:
    """All rows of a file that another program wrote, or InputError and none. None: its content says whose it is."""
    found = list(documents(path))
    if not found:
        raise InputError(f"{path} is empty", hint="nothing was imported")
    name = format_ or next((name for name, one in FORMATS.items() if one.recognizes(found[0][1])), None)
    if name is None:
        known = ", ".join(FORMATS)
        raise InputError(f"{path} was written by none of {known}", hint="name the JSON or JSON Lines file itself")
    if name not in FORMATS:
        raise InputError(f"unknown format {name}", hint=f"there are {', '.join(FORMATS)}")
    return list(FORMATS[name].read(path, found, origin))
