"""Known vulnerabilities of Debian packages that a newer package fixes, from the security tracker's own file.

https://security-tracker.debian.org/tracker/data/json : by source package, then by CVE; `releases` by code name with
`status` (open, resolved, undetermined) and, where it is known, the `fixed_version` of that release; `0` says that it
never had the flaw. The user fetches it: a file is at hand or not. A package that it does not list (of another release,
of Python) is not taken for sound.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bakehouse.errors import InputError
from bakehouse.publish.debian_version import is_older
from bakehouse.publish.facts import Package, Vulnerability

HOW = "Fetch https://security-tracker.debian.org/tracker/data/json into that file."


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    name: str
    """Of its file."""
    day: date
    """When it was written."""
    by_source: dict[str, Any]
    """What is known of each source package."""

    @property
    def releases(self) -> frozenset[str]:
        """Code names that have entries."""
        told = [facts.get("releases") for flaws in self.by_source.values() for facts in _dicts(flaws.values())]
        return frozenset(name for releases in _dicts(told) for name in releases)


def load(path: Path) -> Database:
    """Raises InputError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint=HOW) from None
    except ValueError:
        raise InputError(f"{path} is no JSON", hint=HOW) from None
    if not isinstance(found, dict) or not found or not all(isinstance(one, dict) for one in found.values()):
        raise InputError(f"{path} is not the security tracker's file", hint=HOW)
    return Database(name=path.name, day=day, by_source=found)


def known(packages: Sequence[Package], database: Database, *, release: str) -> tuple[Vulnerability, ...]:
    """What a newer package of the same release mends. Raises InputError where the file cannot know."""
    if not any(package.kind == "deb" for package in packages):
        raise InputError(f"it has no Debian packages, and {database.name} knows no others")
    if release not in database.releases:
        what = f"Debian's release {release}" if release else "its release, which no file of the image names"
        raise InputError(f"{database.name} says nothing of {what}")
    found = {one.id + one.package: one for package in packages for one in _of(package, database, release)}
    return tuple(found[key] for key in sorted(found))


def _of(package: Package, database: Database, release: str) -> Iterator[Vulnerability]:
    if package.kind != "deb":
        return
    for name, facts in (database.by_source.get(package.source) or {}).items():
        told = (facts.get("releases") or {}).get(release) if isinstance(facts, dict) else None
        fixed = str(told.get("fixed_version", "")) if isinstance(told, dict) else ""
        if fixed and fixed != "0" and is_older(package.source_version, fixed):
            yield Vulnerability(id=name, package=package.source, version=package.source_version, fixed_in=fixed)


def _dicts(values: Any) -> Iterator[dict[str, Any]]:
    return (one for one in values if isinstance(one, dict))
