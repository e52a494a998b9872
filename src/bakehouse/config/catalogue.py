"""The catalogue: facts of the world that ship with the package, and how `matrix.yaml` adds to them and overrides them.

Documents are merged before they are checked against the models. So a matrix may name single keys of a row, and every
error still has the file and the line of the value that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from bakehouse.config.suggest import closest
from bakehouse.config.yaml_document import Document, KeyPath, Mark, parse
from bakehouse.errors import InfrastructureError, InputError, InputErrors
from bakehouse.model.matrix import ROWS

SECTIONS = tuple(ROWS)
"""Each is one file of the catalogue: `gpus` is `gpus.yaml`."""
SWITCH = "catalogue"
"""The key of `matrix.yaml` that leaves the catalogue out when it is false."""


@cache
def shipped() -> tuple[Document, ...]:
    """The catalogue of the installed package."""
    return read_catalogue(files("bakehouse") / "catalogue", name="bakehouse/catalogue")


def read_catalogue(folder: Traversable, *, name: str) -> tuple[Document, ...]:
    """The files of a catalogue; `name` is what errors call the folder.

    Raises InputError for a file that is not YAML, InfrastructureError for one that is missing.
    """
    return tuple(_read(folder / f"{section}.yaml", section, name) for section in SECTIONS)


def _read(file: Traversable, section: str, name: str) -> Document:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InfrastructureError(f"cannot read the catalogue's {file.name}: {error.strerror}") from None
    document = parse(text, file=f"{name}/{file.name}")
    if not isinstance(document.value, dict) or set(document.value) != {section}:
        raise InputError(f"must have the one key {section!r}", where=document.where(()))
    if not isinstance(document.value[section], dict):
        raise InputError("must be a mapping: NAME: ROW", where=document.where((section,)))
    return document


def complete(matrix: Document, catalogue: Iterable[Document]) -> Document:
    """The matrix with the rows of the catalogue. A row that both have takes each key from the matrix where it has it,
    and a row that the matrix sets to null is removed.

    Raises InputErrors for rows that can be neither an override nor a new row.
    """
    if not isinstance(matrix.value, dict) or matrix.value.get(SWITCH) is False:
        return matrix
    documents = tuple(catalogue)
    errors: list[InputError] = []
    for document in documents:
        for section, rows in document.value.items():
            own = matrix.value.get(section, {})
            errors += _misnamed(section, own, rows, matrix) if isinstance(own, dict) else ()
    if errors:
        raise errors[0] if len(errors) == 1 else InputErrors(errors)
    return with_rows(matrix, documents)


def with_rows(matrix: Document, others: Iterable[Document]) -> Document:
    """The matrix with the rows of other documents, merged as `complete` says."""
    value: dict[str, Any] = dict(matrix.value)
    merged: list[_Merged] = []
    for document in others:
        for section, rows in document.value.items():
            own = value[section] if section in value else {}  # noqa: SIM401 - null is a mistake, not an absence
            if not isinstance(own, dict):
                continue  # the model says what is wrong with it
            value[section] = _merged(rows, own)
            merged.append(_Merged(document.marks, section, own))
    return Document(file=matrix.file, value=value, marks=_MergedMarks(matrix.marks, merged))


def _merged(rows: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The catalogue's rows in their order, then those that only the matrix has."""
    merged = {}
    for name, row in {**rows, **own}.items():
        if row is None:
            continue
        both = isinstance(row, dict) and isinstance(rows.get(name), dict) and name in own
        merged[name] = {**rows[name], **row} if both else row
    return merged


@dataclass(frozen=True, slots=True)
class _Merged:
    """A section of the catalogue, and what the matrix has of it."""

    marks: Mapping[KeyPath, Mark]
    section: str
    own: Mapping[str, Any]

    def keeps(self, path: KeyPath) -> bool:
        """Whether a value is one that the matrix neither overrides nor removes."""
        row = self.own.get(str(path[1]), {}) if len(path) > 1 else {}
        return path[:1] == (self.section,) and isinstance(row, dict) and not any(key in row for key in path[2:3])


class _MergedMarks(Mapping[KeyPath, Mark]):
    """Those of the matrix, and those of the catalogue's values that it keeps."""

    def __init__(self, matrix: Mapping[KeyPath, Mark], others: Sequence[_Merged]) -> None:
        self._matrix = matrix
        self._others = others

    def __getitem__(self, path: KeyPath) -> Mark:
        for marks in (self._matrix, *(one.marks for one in reversed(self._others) if one.keeps(path))):
            if mark := marks.get(path):
                return mark
        raise KeyError(path)

    @cached_property
    def _paths(self) -> tuple[KeyPath, ...]:
        kept = [path for one in self._others for path in one.marks if one.keeps(path)]
        return tuple(dict.fromkeys((*kept, *self._matrix)))

    def __iter__(self) -> Iterator[KeyPath]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _misnamed(section: str, own: Mapping[str, Any], rows: Mapping[str, Any], matrix: Document) -> Iterator[InputError]:
    """A row that removes or overrides what the catalogue does not have: a misspelt name, most likely."""
    required = {key for key, field in ROWS[section].model_fields.items() if field.is_required()}
    for name, row in own.items():
        if name in rows:
            continue
        near = closest(name, list(rows))
        hint = f"Perhaps you meant {near!r}." if near else None
        where = matrix.where((section, name))
        if row is None:
            message = f"{name!r} is null, which removes a row of the catalogue, and it has no such row"
            yield InputError(message, hint=hint, where=where)
        elif isinstance(row, dict) and near and not required & row.keys():
            missing = " and ".join(repr(key) for key in sorted(required))
            message = f"overrides a row that the catalogue does not have; a new row needs {missing}"
            yield InputError(message, hint=hint, where=where)
