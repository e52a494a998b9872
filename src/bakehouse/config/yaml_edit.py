"""Changes single values of a YAML file that a person wrote; every other character stays as it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import yaml

from bakehouse.config.yaml_document import KeyPath, parse
from bakehouse.errors import InputError


def replace_values(text: str, changes: Mapping[KeyPath, str], *, file: str) -> str:
    """The text with other scalars at these key paths, quoted as they were.

    Raises InputError where a path names no scalar, or where an alias repeats the value elsewhere: it cannot be changed
    alone.
    """
    before = parse(text, file=file)
    found = dict(_scalars(yaml.compose(text, Loader=yaml.SafeLoader), ()))
    spans: dict[tuple[int, int], str] = {}
    for path, value in changes.items():
        scalar = found.get(path)
        if scalar is None:
            raise InputError("there is no plain value to change here", where=before.where(path))
        if shared := next((other for other, node in found.items() if node is scalar and other != path), None):
            hint = "An alias (*name) repeats what would be changed: write the value out."
            raise InputError("a change would change this as well", hint=hint, where=before.where(shared))
        spans[scalar.start_mark.index, scalar.end_mark.index] = _spelled(value, scalar)
    for (start, end), value in sorted(spans.items(), reverse=True):
        text = text[:start] + value + text[end:]
    return text


def _scalars(node: yaml.Node | None, path: KeyPath) -> Iterator[tuple[KeyPath, yaml.ScalarNode]]:
    match node:
        case yaml.MappingNode():
            for key, value in node.value:
                yield from _scalars(value, (*path, key.value))
        case yaml.SequenceNode():
            for index, value in enumerate(node.value):
                yield from _scalars(value, (*path, index))
        case yaml.ScalarNode():
            yield path, node
        case _:
            pass


def _spelled(value: str, scalar: yaml.ScalarNode) -> str:
    """In the quotes that it had. What we write is a commit, a version, a number, a moment or a reference."""
    quote = scalar.style if scalar.style in ("'", '"') else ""
    return f"{quote}{value}{quote}"
