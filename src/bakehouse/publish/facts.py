"""What is known of an image beyond its run: its contents, and today's vulnerabilities and newer bases. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """Something that was installed into an image."""

    kind: str
    """`deb` or `pypi`."""
    name: str
    version: str
    licences: tuple[str, ...] = ()
    """As the package says them, by SPDX's names where it uses them; empty: it says none."""
    source: str = ""
    """Debian's source package, where it has another name."""
    source_version: str = ""
    architecture: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseFact:
    """A base of an image, and what its name stands for now."""

    name: str
    digest: str
    newest: str = ""
    """The digest that its reference stands for today; empty: no answer."""
    age_days: int | None = None
    """Of the one that is in the image."""
    reason: str = ""
    """Why nothing is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vulnerability:
    id: str
    package: str
    version: str
    fixed_in: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Of one image. None with a reason: it could not be looked up."""

    packages: tuple[Package, ...] | None = None
    why_no_packages: str = "its layers were not read"
    bases: tuple[BaseFact, ...] = ()
    vulnerabilities: tuple[Vulnerability, ...] | None = None
    why_no_vulnerabilities: str = "there is no database here"
    database: str = ""
    """By which they were looked up, with its day: `tracker.json of 2026-11-27`."""
    database_days: int = 0
    """How old it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What is known of an image that a channel names: its measurements, as they were attached to it."""

    digests: frozenset[str] = frozenset()
    """The index and its platforms."""
    predicates: tuple[Mapping[str, object], ...] = field(default=())
