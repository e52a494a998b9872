"""A source tree to read on this machine. A build does not need one where BuildKit fetches the source itself."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bakehouse.errors import SupplyError
from bakehouse.model.matrix import SourceTree
from bakehouse.model.places import GitPlace
from bakehouse.model.plan import Supply
from bakehouse.supply import sources
from bakehouse.supply.attempts import Place, try_in_order
from bakehouse.supply.context import OFFLINE, Found, SupplyContext
from bakehouse.system import process

FETCH_TIMEOUT = 600.0


def tree_of(name: str, source: SourceTree, *, context: SupplyContext) -> Path:
    """The folder of the source's pinned revision, from the first place that has it. Raises SupplyError."""
    outcome = try_in_order(_places(source, context))
    if outcome.found is None:
        raise SupplyError(f"no source {name} (tried: {outcome.why_not})")
    return Path(outcome.found.what.context)


def _places(source: SourceTree, context: SupplyContext) -> Sequence[Place[Supply]]:
    """The chain of a build, with git places that bring the tree here."""
    return [
        Place(title=place.title, get=lambda entry=entry: _clone(entry, source, context))  # type: ignore[misc]
        if isinstance(entry, GitPlace)
        else place
        for entry, place in zip(source.places, sources.places_of(source, context=context), strict=True)
    ]


def _clone(place: GitPlace, source: SourceTree, context: SupplyContext) -> Found[Supply]:
    folder = context.cache / "sources" / "git" / source.revision / "tree"
    if not folder.exists():
        if context.offline:
            raise SupplyError(f"not asked, {OFFLINE} is set")
        context.say(f"Fetching {source.revision[:9]} of {place.git}")
        _fetch(place.git, source.revision, folder)
    return Found(
        what=Supply(context=str(folder), identity=source.revision),
        identity=source.revision,
        message=f"commit {source.revision[:9]}",
        locked=True,
    )


def _fetch(address: str, revision: str, folder: Path) -> None:
    """That commit alone, without history; the folder appears when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        git = ["git", "-C", scratch]
        process.run(["git", "init", "--quiet", scratch])
        process.run([*git, "fetch", "--quiet", "--depth", "1", "--", address, revision], timeout=FETCH_TIMEOUT)
        process.run([*git, "checkout", "--quiet", "FETCH_HEAD"])
        shutil.rmtree(Path(scratch) / ".git")
        Path(scratch).rename(folder)
        Path(scratch).mkdir()
