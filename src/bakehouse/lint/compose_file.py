"""Compose files: services with the line of each word, values filled in as far as the file itself gives them.

See https://github.com/compose-spec/compose-spec/blob/main/spec.md; interpolation is its chapter 12.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bakehouse.config.yaml_document import Document, KeyPath, parse
from bakehouse.errors import Where
from bakehouse.lint.settings import Setting, Word
from bakehouse.lint.shell import split

_TAG = re.compile(r"(?m)(?<=[:\-\s])!(?:reset|override)\b")
_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<plain>[A-Za-z_]\w*)"
    r"|\{(?P<name>[A-Za-z_]\w*)(?:(?P<sign>:?[-?+])(?P<word>(?:[^{}]|\{[^{}]*\})*))?\})"
)
_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class ComposeLayer:
    """A mapping and where it stands."""

    value: Mapping[str, Any]
    path: KeyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A mapping of the file as Compose sees it: with what it merges and extends below its own keys."""

    file: ComposeFile
    layers: tuple[ComposeLayer, ...]

    @property
    def where(self) -> Where:
        return self.file.where(self.layers[0].path)

    def keys(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key for layer in self.layers for key in layer.value if key != _MERGE))

    def find(self, key: str) -> tuple[Any, KeyPath] | None:
        """A value and its place. Of several layers the first that has the key counts."""
        for layer in self.layers:
            if key in layer.value:
                return layer.value[key], (*layer.path, key)
        return None

    def where_of(self, key: str) -> Where:
        found = self.find(key)
        return self.file.where(found[1]) if found else self.where

    def node(self, key: str) -> Node | None:
        """A mapping below; None where there is none. Layers are merged, as Compose does with mappings."""
        layers = [
            one
            for layer in self.layers
            if isinstance(layer.value.get(key), Mapping)
            for one in _layers(layer.value[key], (*layer.path, key))
        ]
        return Node(file=self.file, layers=tuple(layers)) if layers else None

    def word(self, key: str) -> Word | None:
        """A plain value as text."""
        found = self.find(key)
        if found is None or found[0] is None or isinstance(found[0], (Mapping, list)):
            return None
        return self.file.word(found[1], found[0])

    def items(self, key: str) -> list[Word]:
        """The plain values of a list, or a plain value as a list of one."""
        found = self.find(key)
        if found is None:
            return []
        value, path = found
        if isinstance(value, list):
            return [
                self.file.word((*path, index), one)
                for index, one in enumerate(value)
                if not isinstance(one, (Mapping, list))
            ]
        one = self.word(key)
        return [one] if one else []

    def nodes(self, key: str) -> list[Node]:
        """The mappings of a list."""
        found = self.find(key)
        if found is None or not isinstance(found[0], list):
            return []
        return [
            Node(file=self.file, layers=tuple(_layers(one, (*found[1], index))))
            for index, one in enumerate(found[0])
            if isinstance(one, Mapping)
        ]

    def command_line(self, key: str) -> tuple[Word, ...]:
        """A list as it is, a text split as Compose does."""
        found = self.find(key)
        if found is None:
            return ()
        if isinstance(found[0], list):
            return tuple(self.items(key))
        return tuple(self.file.split(found[1], found[0])) if isinstance(found[0], str) else ()

    def settings(self, key: str) -> Iterator[Setting]:
        """`environment` and `args` in both their forms. A name without a value comes from the host: not complete."""
        found = self.find(key)
        if found is not None and isinstance(found[0], list):
            for word in self.items(key):
                name, equals, value = word.text.partition("=")
                yield Setting(name=name, value=value, where=word.where, complete=bool(equals) and word.complete)
            return
        mapping = self.node(key)
        for name in mapping.keys() if mapping else ():
            one = mapping.word(name) if mapping else None
            where = mapping.where_of(name) if mapping else self.where
            value, complete = (one.text, one.complete) if one else ("", False)
            yield Setting(name=name, value=value, where=where, complete=complete)


@dataclass(kw_only=True, slots=True)
class ComposeFile:
    document: Document
    lines: Sequence[str]
    environ: Mapping[str, str]
    unknown: dict[str, Where] = field(default_factory=dict)
    """Variables without a value or a default, with where each is first used."""

    def where(self, path: KeyPath) -> Where:
        return self.document.where(path)

    @property
    def services(self) -> dict[str, Node]:
        found = self.document.value.get("services")
        names = found if isinstance(found, Mapping) else {}
        return {name: self._service(name, names) for name, one in names.items() if isinstance(one, Mapping)}

    def _service(self, name: str, services: Mapping[str, Any]) -> Node:
        layers: list[ComposeLayer] = []
        seen: set[str] = set()
        base: str | None = name
        while base and base not in seen and isinstance(services.get(base), Mapping):
            seen.add(base)
            own = list(_layers(services[base], ("services", base)))
            layers += own
            base = _extended(own)
        return Node(file=self, layers=tuple(layers))

    def word(self, path: KeyPath, value: Any) -> Word:
        spelling = self.document.spelling(path)
        text = value if isinstance(value, str) else spelling if spelling is not None else str(value)
        where = self.where(path)
        filled, complete = self.fill(text, where)
        return Word(text=filled, where=where, complete=complete)

    def fill(self, text: str, where: Where) -> tuple[str, bool]:
        """Interpolated, and whether all of it is known."""
        complete = True

        def replaced(found: re.Match[str]) -> str:
            nonlocal complete
            if found["dollar"]:
                return "$"
            name = found["plain"] or found["name"]
            value, sign, word = self.environ.get(name), found["sign"] or "", found["word"] or ""
            if sign.endswith("+"):
                return word if value else ""
            if value or (value is not None and not sign.startswith(":")):
                return value
            if sign.endswith("-"):
                inner, known = self.fill(word, where)
                complete = complete and known
                return inner
            self.unknown.setdefault(name, where)
            complete = False
            return found[0]

        return _VARIABLE.sub(replaced, text), complete

    def split(self, path: KeyPath, text: str) -> Iterator[Word]:
        """The words of a text, each on the line where it stands."""
        where = self.where(path)
        line = where.line or 1
        filled, _ = self.fill(text, where)
        for command in split(filled.replace("\n", " "), {}):
            for token in command:
                line = self._line_of(token.text, line)
                place = Where(file=where.file, line=line, path=path)
                yield Word(text=token.text, where=place, complete=token.complete)

    def _line_of(self, text: str, first: int) -> int:
        """The first line from one on that holds a text, of those that a block can have; else that line itself."""
        for number in range(first, min(first + 200, len(self.lines) + 1)):
            if text and text in self.lines[number - 1]:
                return number
        return first


def _layers(value: Mapping[str, Any], path: KeyPath) -> Iterator[ComposeLayer]:
    """A mapping, then what it merges by `<<`."""
    yield ComposeLayer(value, path)
    merged = value.get(_MERGE)
    for index, one in enumerate(merged if isinstance(merged, list) else [merged]):
        if isinstance(one, Mapping):
            yield from _layers(one, (*path, _MERGE, index) if isinstance(merged, list) else (*path, _MERGE))


def _extended(layers: Sequence[ComposeLayer]) -> str | None:
    """The service of the same file that a service extends, by its own keys or by what it merges."""
    extends = next((layer.value["extends"] for layer in layers if "extends" in layer.value), None)
    if isinstance(extends, str):
        return extends
    if isinstance(extends, Mapping) and "file" not in extends:
        service = extends.get("service")
        return service if isinstance(service, str) else None
    return None


def read_compose(text: str, *, file: str, environ: Mapping[str, str]) -> ComposeFile:
    """Raises InputError for what is no YAML. `environ` is what the file `.env` beside it says."""
    document = parse(_TAG.sub("", text), file=file)
    return ComposeFile(document=document, lines=text.splitlines(), environ=environ)


def read_env_file(text: str, *, file: str) -> Iterator[Setting]:
    """`NAME=VALUE` lines."""
    for number, line in enumerate(text.splitlines(), start=1):
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            plain = value.strip()
            if plain[:1] in ("'", '"') and plain[-1:] == plain[:1]:
                plain = plain[1:-1]
            yield Setting(name=name.strip(), value=plain, where=Where(file=file, line=number))
