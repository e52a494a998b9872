"""YAML with line numbers: text in, plain values and the place of each key path out.

Own code because none of the loaders gives both plain values and positions under strict rules: duplicate keys are
errors, anchors cannot form cycles or bombs, and a number keeps the spelling it had in the file (`12.10`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from bakehouse.errors import InputError, InputErrors, Where

KeyPath = tuple[str | int, ...]

MAX_DEPTH = 50
MAX_NODES = 50_000
MAX_ERRORS = 50
"""An alias can repeat a mistake many times."""
MAX_BITS = 4096
"""Of a whole number: Python refuses to write down larger ones, which YAML can."""

UNREADABLE: tuple[type[Exception], ...] = (
    yaml.YAMLError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What PyYAML's constructors raise for a value that its tag does not fit: `!!int ""`, `!!bool x`, `2026-13-01`."""

_Fast: Any = getattr(yaml, "CSafeLoader", None)
"""None where PyYAML was built without libyaml."""
_TEXT = "tag:yaml.org,2002:str"
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Where a value begins, and how it was spelled if it is a scalar."""

    file: str
    line: int
    spelling: str | None


class Marks(Mapping[KeyPath, Mark]):
    """Of one file, looked up in its node tree when they are asked for: most runs ask where a few values stand."""

    def __init__(self, root: yaml.Node, file: str) -> None:
        """Of a tree that `_Builder` took: its keys are text, and each mapping has a key once."""
        self._root = root
        self._file = file

    def __getitem__(self, path: KeyPath) -> Mark:
        node = self._root
        for part in path:
            found = next((child for key, child in _children(node) if key == part), None)
            if found is None:
                raise KeyError(path)
            node = found
        spelling = node.value if isinstance(node, yaml.ScalarNode) else None
        return Mark(file=self._file, line=node.start_mark.line + 1, spelling=spelling)

    @cached_property
    def _paths(self) -> tuple[KeyPath, ...]:
        return tuple(_paths(self._root, ()))

    def __iter__(self) -> Iterator[KeyPath]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _paths(node: yaml.Node, path: KeyPath) -> Iterator[KeyPath]:
    yield path
    for key, child in _children(node):
        yield from _paths(child, (*path, key))


def _children(node: yaml.Node) -> Iterable[tuple[str | int, yaml.Node]]:
    """With the part of a key path that leads there."""
    if isinstance(node, yaml.MappingNode):
        return ((key.value, value) for key, value in node.value)
    return enumerate(node.value) if isinstance(node, yaml.SequenceNode) else ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A parsed file, or several merged into one. `marks` has an entry for each key path that exists."""

    file: str
    """Of a merged document: the file that a person wrote, which the others complete."""
    value: Any
    marks: Mapping[KeyPath, Mark]

    def where(self, path: KeyPath) -> Where:
        """The place of `path`, or of its nearest ancestor that exists in the file."""
        for length in range(len(path), -1, -1):
            if mark := self.marks.get(path[:length]):
                return Where(file=mark.file, line=mark.line, path=path)
        return Where(file=self.file, path=path)

    def spelling(self, path: KeyPath) -> str | None:
        mark = self.marks.get(path)
        return mark.spelling if mark else None


def parse(text: str, *, file: str) -> Document:
    """Parse one YAML document. Raises InputError (or InputErrors) with file and line."""
    try:
        node = _compose(text)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, file=file) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"not YAML: the character U+{ord(text[error.position]):04X} may not be in a file"
        raise InputError(message, where=Where(file=file, line=line)) from None
    except yaml.YAMLError as error:
        raise InputError(f"not YAML: {error}".splitlines()[0], where=Where(file=file)) from None
    except UNREADABLE as error:  # PyYAML's scanner: \U00110000 is no character
        raise InputError(f"not YAML: {error}", where=Where(file=file)) from None
    except RecursionError:
        raise InputError("nested too deeply", where=Where(file=file)) from None
    if node is None:
        raise InputError("the file is empty", where=Where(file=file))
    builder = _Builder(file)
    value = builder.build(node, ())
    if builder.errors:
        raise builder.errors[0] if len(builder.errors) == 1 else InputErrors(builder.errors)
    return Document(file=file, value=value, marks=Marks(node, file))


def _compose(text: str) -> yaml.Node | None:
    """The node tree. libyaml is ten times as fast; Python's own reader has the words for what is wrong."""
    if _Fast is not None:
        try:
            return yaml.compose(text, Loader=_Fast)
        except (yaml.YAMLError, RecursionError):
            pass
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _syntax_error(error: yaml.MarkedYAMLError, *, file: str) -> InputError:
    mark = error.problem_mark or error.context_mark
    problem = " ".join(part for part in (error.context, error.problem) if part)
    hint = "Indent with spaces, not with tabs." if "\\t" in problem else None
    return InputError(f"not YAML: {problem}", hint=hint, where=Where(file=file, line=mark.line + 1 if mark else None))


def _half(text: str) -> str | None:
    """The first surrogate, which an escape of a quoted text can make, and no text in UTF-8 can hold."""
    if text.isascii():
        return None
    return next((letter for letter in text if "\ud800" <= letter <= "\udfff"), None)


class _Builder:
    """Turns a node tree into values, collecting errors."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[InputError] = []
        self._built = 0
        self._open: set[int] = set()
        self._scalars = yaml.SafeLoader("")

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        self._guard(node, path)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in _COLLECTIONS:
            raise self._error(f"the tag {node.tag!r} is not allowed", node, path)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            return [self.build(child, (*path, index)) for index, child in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def _guard(self, node: yaml.Node, path: KeyPath) -> None:
        self._built += 1
        if id(node) in self._open:
            raise self._error("an alias that contains itself", node, path)
        if len(path) > MAX_DEPTH:
            raise self._error(f"nested more than {MAX_DEPTH} levels deep", node, path)
        if len(self.errors) > MAX_ERRORS:
            raise InputErrors(self.errors)
        if self._built > MAX_NODES:
            raise self._error(f"more than {MAX_NODES} values (counting each use of an alias)", node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                self.errors.append(self._error("a key must be plain text", key_node, path))
            elif half := _half(key):
                self.errors.append(self._half_error(half, key_node, path))
            elif key in result:
                message = f"the key {key!r} is listed twice; it is first on line {first[key]}"
                self.errors.append(self._error(message, key_node, (*path, key)))
            else:
                first[key] = value_node.start_mark.line + 1
                result[key] = self.build(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        if half := _half(node.value):
            self.errors.append(self._half_error(half, node, path))
            return None
        if node.tag == _TEXT:
            return node.value
        try:
            value = self._scalars.construct_object(node, deep=True)
        except UNREADABLE as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            self.errors.append(self._error(f"cannot read this value: {why}", node, path))
            return None
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            self.errors.append(self._error("the number is too large", node, path))
            return None
        return value

    def _half_error(self, half: str, node: yaml.Node, path: KeyPath) -> InputError:
        message = f"U+{ord(half):04X} is half of a character and stands for none; write the character itself"
        return self._error(message, node, path)

    def _error(self, message: str, node: yaml.Node, path: KeyPath) -> InputError:
        return InputError(message, where=Where(file=self.file, line=node.start_mark.line + 1, path=path))
