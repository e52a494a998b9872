"""Known vulnerabilities of Debian packages that a newer package mends, from the security tracker's own file.

https://security-tracker.debian.org/tracker/data/json . It is fetched by whoever runs us: a file is at hand or not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bakehouse.errors import InputError
from bakehouse.publish.debian_version import is_older
from bakehouse.publish.facts import Package, Vulnerability

HOW = "Fetch https://security-tracker.debian.org/tracker/data/json into that file."


def load(path: Path) -> dict[str, Any]:
    """By source package. Raises InputError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint=HOW) from None
    except ValueError:
        raise InputError(f"{path} is no JSON", hint=HOW) from None
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise InputError(f"{path} is not the security tracker's file", hint=HOW)
    return found


def known(packages: Sequence[Package], database: dict[str, Any], *, release: str) -> tuple[Vulnerability, ...]:
    """What a newer package of the same release mends."""
    found = {one.id + one.package: one for package in packages for one in _of(package, database, release)}
    return tuple(found[key] for key in sorted(found))


def _of(package: Package, database: dict[str, Any], release: str) -> Iterator[Vulnerability]:
    if package.kind != "deb":
        return
    for name, facts in (database.get(package.source) or {}).items():
        told = (facts.get("releases") or {}).get(release) if isinstance(facts, dict) else None
        fixed = str(told.get("fixed_version", "")) if isinstance(told, dict) else ""
        if fixed and fixed != "0" and is_older(package.source_version, fixed):
            yield Vulnerability(id=name, package=package.source, version=package.source_version, fixed_in=fixed)
