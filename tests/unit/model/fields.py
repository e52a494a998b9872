"""Every field of a model and of the models inside it, found by reflection: a new field is in every test at once."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

KeyPath = tuple[str, ...]
"""`[]` stands for an item of a list, `{}` for a key of a mapping and `{:}` for its value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaf:
    """A place of a file where a plain value stands."""

    path: KeyPath
    kind: Any
    """The type without its annotations."""
    notes: tuple[Any, ...]
    """The annotations."""


COMPARED = (
    ("probes", "cases", "[]", "expect", "values"),
    ("probes", "work", "tasks", "[]", "expect", "values"),
)
"""What stands there is held against a server's JSON, which may be anything, and is written nowhere."""


def leaves(model: type[BaseModel]) -> list[Leaf]:
    return [leaf for leaf in _of_model(model, ()) if not any(leaf.path[: len(path)] == path for path in COMPARED)]


def _of_model(model: type[BaseModel], path: KeyPath) -> Iterator[Leaf]:
    for name, field in model.model_fields.items():
        yield from _of(field.annotation, tuple(field.metadata), (*path, name))


def _of(annotation: Any, notes: tuple[Any, ...], path: KeyPath) -> Iterator[Leaf]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        yield from _of(arguments[0], (*notes, *arguments[1:]), path)
    elif origin in (typing.Union, types.UnionType):
        for option in arguments:
            if option is not type(None):
                yield from _of(option, notes, path)
    elif origin is tuple:
        yield from _of(arguments[0], (), (*path, "[]"))
    elif origin is dict:
        yield from _of(arguments[0], (), (*path, "{}"))
        yield from _of(arguments[1], (), (*path, "{:}"))
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _of_model(annotation, path)
    else:
        yield Leaf(path=path, kind=annotation, notes=notes)
