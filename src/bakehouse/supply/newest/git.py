"""Asks a git repository for its tags, and when a commit was made. Nothing of it is kept."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from packaging.version import InvalidVersion, Version

from bakehouse.errors import InfrastructureError, SupplyError
from bakehouse.system import process

PATIENCE = 60.0
"""Seconds for an answer."""
_BUILD = re.compile(r"b([0-9]{1,9})")
"""Releases that are called after the number of commits: `b11312`."""
_HEAD = "HEAD"
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -oBatchMode=yes"}
"""There is no one to type a password."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    commit: str
    name: str
    """The tag, or `HEAD`."""
    build_number: int | None = None
    """Of a tag `bNNNN`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    address: str
    tags: Mapping[str, str]
    """Tag to commit."""
    head: str
    """Commit of its default branch."""

    def newest(self, *, numbered: bool) -> Revision:
        """The newest numbered build; else the newest version that is no pre-release; else the default branch."""
        builds = [one for one in map(self._revision, self.tags) if one.build_number is not None]
        if numbered and builds:
            return max(builds, key=lambda one: one.build_number or 0)
        versions = {name: found for name in self.tags if (found := _version(name)) and not found.is_prerelease}
        if versions and not numbered:
            return self._revision(max(versions, key=lambda name: versions[name]))
        return Revision(commit=self.head, name=_HEAD)

    def at(self, commit: str) -> Revision:
        """That commit, with its tag where it has one."""
        names = sorted(name for name, tagged in self.tags.items() if tagged == commit)
        named = [self._revision(name) for name in names]
        numbered = next((one for one in named if one.build_number is not None), None)
        return numbered or (named[0] if named else Revision(commit=commit, name=commit[:9]))

    def _revision(self, name: str) -> Revision:
        match = _BUILD.fullmatch(name)
        return Revision(commit=self.tags[name], name=name, build_number=int(match[1]) if match else None)


def ask(address: str, environ: Mapping[str, str]) -> Repository:
    """Raises SupplyError where it cannot be reached."""
    words = ["git", "ls-remote", "--quiet", "--", address, _HEAD, "refs/tags/*"]
    lines = (line.partition("\t") for line in _git(words, environ).splitlines())
    refs = {name: commit for commit, _, name in lines if name}
    head = refs.get(_HEAD)
    if head is None:
        raise SupplyError("the repository has no HEAD")
    tags = {name.removeprefix("refs/tags/"): commit for name, commit in refs.items() if name != _HEAD}
    peeled = {name.removesuffix("^{}"): commit for name, commit in tags.items() if name.endswith("^{}")}
    plain = {name: commit for name, commit in tags.items() if not name.endswith("^{}")}
    return Repository(address=address, tags=plain | peeled, head=head)


def committed(address: str, commit: str, environ: Mapping[str, str]) -> datetime:
    """When a commit was made, in UTC: it is fetched without its files. Raises SupplyError."""
    with tempfile.TemporaryDirectory(prefix="bakehouse-") as folder:
        git = ["git", "-C", folder]
        _git(["git", "init", "--quiet", folder], environ)
        _git([*git, "fetch", "--quiet", "--depth", "1", "--filter", "tree:0", "--", address, commit], environ)
        said = _git([*git, "log", "-1", "--format=%cI", commit], environ)
    return datetime.fromisoformat(said.strip()).astimezone(UTC)


def _git(words: list[str], environ: Mapping[str, str]) -> str:
    try:
        return process.run(words, env={**environ, **QUIET}, timeout=PATIENCE).stdout
    except process.ProgramTimeoutError:
        raise SupplyError(f"no answer within {PATIENCE:g} s") from None
    except process.ProgramError as error:
        lines = [line for line in error.stderr.splitlines() if line.strip()]
        raise SupplyError(lines[0].removeprefix("fatal: ") if lines else "git said nothing") from None
    except InfrastructureError as error:
        raise SupplyError(error.message) from error


def _version(tag: str) -> Version | None:
    try:
        return Version(tag)
    except InvalidVersion:
        return None
