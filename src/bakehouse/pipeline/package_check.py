"""Every package that a cell installs is held against the index of the base that it is installed in.

A name that a release does not have ends a build after minutes or hours; here it takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bakehouse.config.load import Project
from bakehouse.config.suggest import closest
from bakehouse.errors import SupplyError
from bakehouse.lint.finding import Finding, Severity, in_order
from bakehouse.model.cell import Cell
from bakehouse.planning.packages import Archive, Wish, wishes
from bakehouse.supply.package_index import Index


class Indexes(Protocol):
    def get(self, archive: Archive, architecture: str) -> Index: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What was found, and what could not be looked at."""

    findings: tuple[Finding, ...]
    packages: int
    """Names that were held against an index."""
    archives: tuple[str, ...]
    """Those that answered: `Debian trixie (amd64)`."""
    not_looked_at: tuple[str, ...]
    """Those that did not, each with the reason."""


def check_packages(project: Project, cells: Sequence[Cell], indexes: Indexes) -> Looked:
    """Hold the cells' packages against every archive that can be reached."""
    wanted: dict[tuple[Archive, str], list[Wish]] = {}
    for wish in wishes(cells, project.world.matrix):
        wanted.setdefault((wish.archive, wish.architecture), []).append(wish)
    findings: list[Finding] = []
    looked: dict[str, None] = {}
    missed: dict[str, None] = {}
    names: set[str] = set()
    for (archive, architecture), found in sorted(wanted.items()):
        title = f"{archive} ({architecture})"
        try:
            index = indexes.get(archive, architecture)
        except SupplyError as error:
            missed[f"{title}: {error.message}"] = None
            continue
        looked[title] = None
        names |= {wish.name for wish in found}
        findings += _judged(found, index, project)
    return Looked(findings=in_order(findings), packages=len(names), archives=tuple(looked), not_looked_at=tuple(missed))


def _judged(found: Iterable[Wish], index: Index, project: Project) -> Iterator[Finding]:
    for wish in found:
        if not index.has(wish.name):
            yield _unknown(wish, index, project)
        elif wish.version and wish.name in index.versions and wish.version not in index.versions[wish.name]:
            yield _finding(
                wish,
                project,
                what=f"{wish.archive} has {' and '.join(sorted(index.versions[wish.name]))}, not {wish.version}",
                why="An archive keeps the newest version only; apt ends with an error for any other.",
                instead=wish.name,
            )


def _unknown(wish: Wish, index: Index, project: Project) -> Finding:
    near = closest(wish.name, list(index.versions))
    return _finding(
        wish,
        project,
        what=f"is not in {wish.archive} ({' '.join(wish.archive.components)}), on which {wish.base} stands",
        why="The vendor's image may have an archive of its own that has it."
        if wish.archive.vendor
        else "apt-get ends with 'Unable to locate package', and the cell with it.",
        instead=f"{near}, if that is what was meant" if near else "another base: runtime_base of the toolkit",
    )


def _finding(wish: Wish, project: Project, *, what: str, why: str, instead: str) -> Finding:
    document = project.documents[wish.file]
    return Finding(
        severity=Severity.NOTE if wish.archive.vendor else Severity.ERROR,
        where=document.where(wish.path),
        subject=wish.name if wish.version is None else f"{wish.name}={wish.version}",
        what=what,
        why=why,
        instead=instead,
    )
