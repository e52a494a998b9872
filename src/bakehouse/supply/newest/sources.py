"""The newest revision of a source that all of its places have.

A chain of places promises the same tree from each. So a source that a package brings, too, moves when the package does,
to the commit that the package holds; git says when that commit was made and which build it is.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from packaging.version import Version

from bakehouse.config.yaml_document import KeyPath
from bakehouse.errors import SupplyError
from bakehouse.model.matrix import SourceTree
from bakehouse.model.places import GitPlace, PyPIPlace
from bakehouse.supply import pypi
from bakehouse.supply.context import OFFLINE, SupplyContext
from bakehouse.supply.files import fetch_distribution
from bakehouse.supply.newest import git, gitlink
from bakehouse.supply.newest.move import NewerValue, News
from bakehouse.supply.web import new_session, public

INDEX = ".git/index"
"""Below an sdist's top folder, where a release was packed together with its clone."""
LARGEST_INDEX = 64 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """Where a source would go, as far as it is known."""

    commit: str
    name: str
    committed: datetime | None = None
    build_number: int | None = None
    requirement: str | None = None


def newest_source(name: str, source: SourceTree, context: SupplyContext) -> News:
    """Raises nothing: what cannot be reached is in the answer, and then nothing moves."""
    asked = _Asked(source=source, context=context)
    silent = tuple(asked.silent())
    if silent or (asked.package is None and asked.repository is None):
        notes = () if silent else ("stays: it has no git address and no package that could be asked",)
        return News(kind="source", name=name, silent=silent, notes=(*notes, *asked.known()))
    try:
        target = asked.target()
        moves = tuple(_moves(name, source, target)) if target.commit != source.revision else ()
    except _StaysError as reason:
        return News(kind="source", name=name, notes=(f"stays: {reason}",))
    except SupplyError as error:
        return News(kind="source", name=name, silent=(error.message,))
    return News(kind="source", name=name, moves=moves, notes=() if moves else (f"{target.name} is the newest",))


class _StaysError(Exception):
    """Why a source does not move although a newer one is known."""


class _Asked:
    """What its places say, each asked once."""

    def __init__(self, *, source: SourceTree, context: SupplyContext) -> None:
        self._source = source
        self._context = context
        self._git = next((place for place in source.places if isinstance(place, GitPlace)), None)
        self._pypi = next((place for place in source.places if isinstance(place, PyPIPlace)), None)
        self.repository: git.Repository | None = None
        self.package: pypi.Release | None = None

    def silent(self) -> Iterator[str]:
        """Ask all. Those that do not answer, with the reason."""
        if self._context.offline:
            yield f"not asked, {OFFLINE} is set"
            return
        if self._git:
            try:
                self.repository = git.ask(self._git.git, self._context.environ)
            except SupplyError as error:
                yield f"git {public(self._git.git)} cannot be reached: {error.message}"
        if self._pypi:
            try:
                self.package = self._release(self._pypi)
            except SupplyError as error:
                yield f"pypi {self._pypi.pypi.requirement}: {error.message}"

    def known(self) -> Iterator[str]:
        """What those that answered have."""
        numbered = self._source.build_number > 0
        if self.repository and (newest := self.repository.newest(numbered=numbered)).commit != self._source.revision:
            yield f"git has {newest.name} ({newest.commit[:9]})"
        if self._pypi and self.package and self.package.version > _version(self._pypi):
            yield f"the index has {_distribution(self._pypi)} {self.package.version}"

    def target(self) -> _Target:
        """Raises _StaysError, or SupplyError where the repository or the index falls silent."""
        if self._pypi and self.package:
            return self._by_package(self._pypi, self.package)
        assert self.repository is not None
        newest = self.repository.newest(numbered=self._source.build_number > 0)
        return self._by_git(newest)

    def _by_git(self, revision: git.Revision) -> _Target:
        assert self.repository is not None
        if revision.commit == self._source.revision:
            return _Target(commit=revision.commit, name=revision.name)
        committed = git.committed(self.repository.address, revision.commit, self._context.environ)
        if committed < self._source.committed:
            raise _StaysError(f"{revision.name}, the newest, is older than the revision that is pinned")
        if self._source.build_number and revision.build_number is None:
            raise _StaysError(f"{revision.commit[:9]} has no tag that says its build number")
        return _Target(
            commit=revision.commit, name=revision.name, committed=committed, build_number=revision.build_number
        )

    def _by_package(self, place: PyPIPlace, release: pypi.Release) -> _Target:
        requirement = f"{_distribution(place)}=={release.version}"
        if release.version <= _version(place):
            return _Target(commit=self._source.revision, name=place.pypi.requirement)
        commit = self._held(place, requirement)
        if self.repository:
            target = self._by_git(self.repository.at(commit))
            return _Target(
                commit=commit, name=requirement, committed=target.committed, build_number=target.build_number,
                requirement=requirement,
            )  # fmt: skip
        if self._source.build_number:
            raise _StaysError(f"{requirement} does not say its build number, and there is no git address to ask")
        if release.uploaded is None:
            raise _StaysError(f"it is unknown when the commit of {requirement} was made")
        uploaded = release.uploaded.astimezone(UTC)
        return _Target(commit=commit, name=requirement, committed=uploaded, requirement=requirement)

    def _held(self, place: PyPIPlace, requirement: str) -> str:
        """The commit that a release holds. Raises _StaysError where it does not say."""
        options = place.pypi.model_copy(update={"requirement": requirement})
        fetched = fetch_distribution(place.model_copy(update={"pypi": options}), self._context)
        commit = gitlink.commit_of(_index_of(fetched.path), place.pypi.member)
        if commit is None:
            raise _StaysError(f"{requirement} does not say which commit its {place.pypi.member} is")
        return commit

    def _release(self, place: PyPIPlace) -> pypi.Release:
        patience = self._context.patience
        with new_session(retries=2, patience=patience) as session:
            return pypi.newest(_distribution(place), environ=self._context.environ, session=session, patience=patience)


def _moves(name: str, source: SourceTree, target: _Target) -> Iterator[NewerValue]:
    """Every key of the row that says something of the revision."""
    row: KeyPath = ("sources", name)
    yield NewerValue(path=(*row, "revision"), old=source.revision, new=target.commit)
    if source.build_number:
        yield NewerValue(path=(*row, "build_number"), old=str(source.build_number), new=str(target.build_number))
    if target.committed:
        yield NewerValue(path=(*row, "committed"), old=_moment(source.committed), new=_moment(target.committed))
    for number, place in enumerate(source.places):
        if isinstance(place, PyPIPlace) and target.requirement:
            path = (*row, "places", number, "pypi", "requirement")
            yield NewerValue(path=path, old=place.pypi.requirement, new=target.requirement)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _distribution(place: PyPIPlace) -> str:
    return place.pypi.requirement.partition("==")[0]


def _version(place: PyPIPlace) -> Version:
    return Version(place.pypi.requirement.partition("==")[2])


def _index_of(path: object) -> bytes:
    """The git index of an sdist; empty where there is none."""
    try:
        with tarfile.open(str(path)) as archive:
            for member in archive:
                if member.name.partition("/")[2] == INDEX and member.isfile() and member.size <= LARGEST_INDEX:
                    file = archive.extractfile(member)
                    return file.read() if file else b""
    except (tarfile.TarError, OSError, EOFError):
        return b""
    return b""
