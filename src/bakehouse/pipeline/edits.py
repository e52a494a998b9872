"""Writes an update into the project's files, and reports what it cannot write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bakehouse.config.catalogue import shipped
from bakehouse.config.layout import MATRIX_FILE
from bakehouse.config.load import Project, load_project
from bakehouse.config.yaml_document import KeyPath
from bakehouse.config.yaml_edit import replace_values
from bakehouse.errors import BakehouseError
from bakehouse.supply.newest.move import News
from bakehouse.system import atomic_write

CATALOGUE = "bakehouse/catalogue/"
"""What documents call the catalogue that ships; in bakehouse's own repository it lies in src/."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edits:
    """New texts of files, not written yet."""

    texts: Mapping[Path, str]
    elsewhere: tuple[str, ...]
    """Rows that stand in no file of the project: `source NAME stands in bakehouse/shipped/matrix.yaml`."""


def edits(project: Project, news: Sequence[News]) -> Edits:
    """The files as they would be. Raises InputError for a value that cannot be changed alone."""
    changes: dict[Path, dict[KeyPath, str]] = defaultdict(dict)
    names: dict[Path, str] = {}
    elsewhere = []
    for one in news:
        places = {move.path: _file(project, move.path) for move in one.moves}
        if missing := next((name for name, path in places.values() if path is None), None):
            elsewhere.append(f"{one.title} stands in {missing}, which is no file of this project")
            continue
        for move in one.moves:
            name, path = places[move.path]
            if path:
                changes[path][move.path] = move.new
                names[path] = name
    texts = {
        path: replace_values(path.read_text(encoding="utf-8"), found, file=names[path])
        for path, found in changes.items()
    }
    return Edits(texts=texts, elsewhere=tuple(elsewhere))


def write(project: Project, found: Edits) -> Project:
    """Write the texts and read the project again. Where that fails, the files are as they were."""
    before = {path: path.read_text(encoding="utf-8") for path in found.texts}
    try:
        for path, text in found.texts.items():
            atomic_write.write(path, text)
        shipped.cache_clear()
        return load_project(project.root, locks=False)
    except BaseException as error:
        for path, text in before.items():
            atomic_write.write(path, text)
        shipped.cache_clear()
        if isinstance(error, BakehouseError):
            error.hint = "The files are as they were."
        raise


def moved(news: Sequence[News], found: Edits) -> Iterator[News]:
    """Those whose moves are in the edits."""
    unwritten = {words.partition(" stands in ")[0] for words in found.elsewhere}
    yield from (one for one in news if one.moves and one.title not in unwritten)


def _file(project: Project, path: KeyPath) -> tuple[str, Path | None]:
    """What documents call the file in which a value stands, and where it is; None: not in this project."""
    name = project.documents[MATRIX_FILE].where(path).file
    if name == MATRIX_FILE:
        return name, project.root / name
    if name.startswith(CATALOGUE) and (own := project.root / "src" / name).is_file():
        return name, own
    return name, None
