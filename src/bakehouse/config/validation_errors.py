"""What pydantic finds wrong in a file, told to the person who wrote it: what is wrong, where, and what to write."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bakehouse.config.suggest import closest, suggest
from bakehouse.config.yaml_document import Document, KeyPath
from bakehouse.errors import InputError

MOST_ERRORS = 50
"""The most that are reported of one file at once."""
LONGEST_VALUE = 200
"""Characters of a wrong value that an error repeats."""

_KINDS = {
    "tuple_type": "a list: - VALUE on lines of its own, or [VALUE, VALUE]",
    "model_type": "a mapping: KEY: VALUE on lines of its own",
    "dict_type": "a mapping: KEY: VALUE on lines of its own",
    "int_type": "a whole number, without quotes",
    "int_from_float": "a whole number",
    "float_type": "a number, without quotes",
    "bool_type": "true or false, without quotes",
    "string_type": "text",
}

_MOVED = {
    "probes.throughput.question": "It belongs to the model: write it in matrix.yaml, models.NAME.question.",
    "probes.throughput.api": "The family of servers says it: write server in the recipe.",
}
"""Keys that were elsewhere in earlier versions."""


def explain(error: ValidationError, document: Document, model: type[BaseModel]) -> list[InputError]:
    """One error for each mistake, without those that only follow from another."""
    told: dict[str, InputError] = {}
    for details in _first_causes(error.errors()[:MOST_ERRORS], document, model):
        mistake = details if isinstance(details, InputError) else _in_words(details, document, model)
        told.setdefault(str(mistake), mistake)
    return list(told.values())


# ---------------------------------------------------------------------------------------------- causes


def _first_causes(
    errors: list[ErrorDetails], document: Document, model: type[BaseModel]
) -> Iterator[ErrorDetails | InputError]:
    """Errors without the missing key that is there misspelt, without `too short` lists whose items are wrong, and with
    one voice where a value may have several forms.
    """
    paths = [_path_in_file(details["loc"], document, model) for details in errors]
    misspelt = {
        (*path[:-1], closest(str(path[-1]), _known_keys(model, path[:-1], document)))
        for details, path in zip(errors, paths, strict=True)
        if details["type"] == "extra_forbidden"
    }
    for details, path in zip(errors, paths, strict=True):
        if details["type"] == "missing" and path in misspelt:
            continue
        if details["type"] == "too_short" and any(other[: len(path)] == path and other != path for other in paths):
            continue
        place = _place_of_union(details["loc"], document)
        if place is None:
            yield details
        elif wrong := _wrong_kind(place, document, model):
            yield wrong
        elif _concerns(details, place, document, model):
            yield details


def _place_of_union(location: Sequence[str | int], document: Document) -> KeyPath | None:
    """Where a value stands that may have several forms: pydantic names the form it tried after it."""
    path: KeyPath = ()
    for part in location:
        if (*path, part) in document.marks:
            path = (*path, part)
        elif str(part)[:1].isupper():
            return path
    return None


def _wrong_kind(place: KeyPath, document: Document, model: type[BaseModel]) -> InputError | None:
    """A value of no form, or of two at a time."""
    known = _known_keys(model, place, document)
    there = _keys_at(place, document)
    kinds = [key for key in there if key in known]
    if len(kinds) > 1:
        return InputError(
            f"names {' and '.join(kinds)}, and may name only one",
            hint="Write an entry for each: they are tried in order.",
            where=document.where(place),
        )
    if kinds:
        return None
    if not there:
        return InputError(f"must name one of: {', '.join(known)}", where=document.where(place))
    return InputError(
        f"unknown key {there[0]!r}", hint=suggest(there[0], known), where=document.where((*place, there[0]))
    )


def _concerns(details: ErrorDetails, place: KeyPath, document: Document, model: type[BaseModel]) -> bool:
    """Whether the error is about the form that the value has, not about one that it was compared with."""
    form = details["loc"][len(place)]
    kind = next(key for key in _keys_at(place, document) if key in _known_keys(model, place, document))
    return any(found.__name__ == form and kind in found.model_fields for found in _models_at(model, place, document))


def _keys_at(place: KeyPath, document: Document) -> list[str]:
    return [str(path[-1]) for path in document.marks if path[:-1] == place and path and isinstance(path[-1], str)]


# ---------------------------------------------------------------------------------------------- words


def _in_words(details: ErrorDetails, document: Document, model: type[BaseModel]) -> InputError:
    path = _path_in_file(details["loc"], document, model)
    where, hint = document.where(path), None
    match details["type"]:
        case "extra_forbidden":
            message = f"unknown key {path[-1]!r}"
            hint = _moved(path) or suggest(str(path[-1]), _known_keys(model, path[:-1], document))
        case "missing":
            message, where = f"the key {path[-1]!r} is missing", document.where(path[:-1])
        case "string_type" if (spelling := document.spelling(path)) is not None:
            shown = spelling if spelling.isprintable() and len(spelling) <= LONGEST_VALUE else _short(spelling)
            message = f"must be text, but YAML reads {shown or 'this'} as {_yaml_kind(details['input'])}"
            hint = f'Write "{spelling}" in quotes.' if shown == spelling else "Write it in quotes."
        case "format":
            message, hint = (
                f"{_short(details['input'])} is not allowed here",
                f"It must be {details['ctx']['expected']}.",
            )
        case "union_tag_not_found":
            key, kinds = _discriminator(path, document, model)
            lines = [f"{key}: {kind:8} {meaning}" for kind, meaning in kinds.items()]
            message, hint = f"the key {key!r} is missing", "\n    ".join(["Write one of:", *lines])
        case "union_tag_invalid":
            key, kinds = _discriminator(path, document, model)
            written = str(details.get("ctx", {}).get("tag", ""))
            message, hint = f"unknown {key} {_short(written)}", suggest(written, list(kinds))
            where = document.where((*path, key))
        case "too_short":
            message = "must not be empty"
        case kind if kind in _KINDS:
            message = f"must be {_KINDS[kind]}"
        case _:
            message = details["msg"].removeprefix("Value error, ").replace("Input should be ", "must be ", 1)
    return InputError(message, hint=hint, where=where)


def _short(value: object) -> str:
    """As Python writes it: without characters that a terminal would obey. A long one is cut."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def _moved(path: KeyPath) -> str | None:
    return _MOVED.get(".".join(map(str, path)))


def _yaml_kind(value: object) -> str:
    found = {bool: "yes/no", int: "a number", float: "a number", type(None): "nothing"}
    return found.get(type(value), "a date or another kind of value")


# ---------------------------------------------------------------------------------------------- paths and models


def _path_in_file(location: Sequence[str | int], document: Document, model: type[BaseModel]) -> KeyPath:
    """Pydantic's location without what it puts in between: `[key]`, names of union members, and values of `kind`."""
    path: KeyPath = ()
    annotations: list[Any] = [model]
    for position, part in enumerate(location):
        if members := [member for annotation in annotations for member in _members_of_kind(annotation, part)]:
            annotations = members
            continue
        last = position == len(location) - 1
        if (*path, part) in document.marks or (last and part != "[key]" and not str(part)[:1].isupper()):
            path = (*path, part)
            annotations = [inner for annotation in annotations for inner in _inside(annotation, part)]
    return path


def _known_keys(model: type[BaseModel], path: KeyPath, document: Document) -> list[str]:
    """The keys a mapping at `path` may have, of all union members together, or of the one that its `kind` names."""
    return sorted({name for found in _models_at(model, path, document) for name in found.model_fields})


def _models_at(model: type[BaseModel], path: KeyPath, document: Document) -> list[type[BaseModel]]:
    annotations: list[Any] = [model]
    for length, part in enumerate(path, start=1):
        annotations = [
            member
            for annotation in annotations
            for inner in _inside(annotation, part)
            for member in _narrowed(inner, path[:length], document)
        ]
    return [found for annotation in annotations for found in _models(annotation)]


def _narrowed(annotation: Any, path: KeyPath, document: Document) -> list[Any]:
    key = _key_of_kind(annotation)
    kind = document.spelling((*path, key)) if key else None
    return _members_of_kind(annotation, kind or "") or [annotation]


def _discriminator(path: KeyPath, document: Document, model: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """The key that tells the members of a union apart, and its values with what they mean."""
    annotations: list[Any] = [model]
    for length, part in enumerate(path, start=1):
        inner = [found for annotation in annotations for found in _inside(annotation, part)]
        annotations = (
            inner if length == len(path) else [m for a in inner for m in _narrowed(a, path[:length], document)]
        )
    for annotation in annotations:
        if key := _key_of_kind(annotation):
            members = [(kind, member) for member in _models(annotation) for kind in _kinds(member, key)]
            return key, {str(kind): (member.__doc__ or "").strip().splitlines()[0] for kind, member in members}
    return "kind", {}


def _key_of_kind(annotation: Any) -> str | None:
    """The discriminator of an annotated union."""
    for extra in getattr(annotation, "__metadata__", ()):
        if isinstance(extra, FieldInfo) and isinstance(extra.discriminator, str):
            return extra.discriminator
    return None


def _members_of_kind(annotation: Any, kind: str | int) -> list[type[BaseModel]]:
    key = _key_of_kind(annotation)
    return [member for member in _models(annotation) if kind in _kinds(member, key)] if key else []


def _kinds(member: type[BaseModel], key: str) -> tuple[Any, ...]:
    return typing.get_args(member.model_fields[key].annotation)


def _inside(annotation: Any, part: str | int) -> list[Any]:
    found = []
    for option in _options(annotation):
        origin, arguments = typing.get_origin(option), typing.get_args(option)
        if isinstance(option, type) and issubclass(option, BaseModel):
            if part in option.model_fields:
                field = option.model_fields[str(part)]
                found.append(typing.Annotated[field.annotation, field] if field.discriminator else field.annotation)
        elif origin is dict:
            found.append(arguments[1])
        elif origin in (tuple, list):
            found.append(arguments[0])
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [option for option in _options(annotation) if isinstance(option, type) and issubclass(option, BaseModel)]


def _options(annotation: Any) -> list[Any]:
    """The members of a union (through Annotated), or the annotation itself."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _options(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [option for member in typing.get_args(annotation) for option in _options(member)]
    return [annotation]
