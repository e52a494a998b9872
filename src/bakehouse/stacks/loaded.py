"""A stack's files as they were written, and errors that name their lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bakehouse.config.yaml_document import Document
from bakehouse.errors import InputError, InputErrors, Where
from bakehouse.model.stack import Stack
from bakehouse.model.stack_host import HostFile

STACK = "stack"
HOST = "host"
"""In place of a file's name, until `pinpoint` knows it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    name: str
    stack: Stack
    host: HostFile | None
    documents: Mapping[str, Document]
    """By `STACK` and `HOST`."""
    host_name: str = "this machine"

    def pinpoint(self, error: InputError) -> InputError:
        """The same error with file and line."""
        if isinstance(error, InputErrors):
            return InputErrors([self.pinpoint(one) for one in error.errors])
        if error.where is None or error.where.file not in self.documents:
            return error
        where = self.documents[error.where.file].where(error.where.path)
        return InputError(error.message, hint=error.hint, where=where)


def wrong(message: str, *path: str | int, hint: str | None = None, file: str = STACK) -> InputError:
    """Something of the stack that cannot be used."""
    return InputError(message, hint=hint, where=Where(file=file, path=path))


def raise_all(errors: list[InputError]) -> None:
    """Raise them as one, where there are any."""
    if errors:
        raise errors[0] if len(errors) == 1 else InputErrors(errors)
