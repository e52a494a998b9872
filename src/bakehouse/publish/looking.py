"""Looks up what no report has of an image: its contents, and today's vulnerabilities and newer bases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bakehouse.errors import BakehouseError
from bakehouse.model.report import Supplied
from bakehouse.publish import contents, vulnerabilities
from bakehouse.publish.candidates import Candidate
from bakehouse.publish.facts import BaseFact, Facts
from bakehouse.registry.content import Manifest
from bakehouse.registry.copying import required
from bakehouse.registry.location import parse
from bakehouse.registry.opening import Registries
from bakehouse.registry.store import Source

BASE_NAME = "org.opencontainers.image.base.name"
_PLACE = re.compile(r"registry (\S+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Looker:
    registries: Registries | None
    """For bases; None: offline."""
    database: Path | None
    """Of vulnerabilities."""
    now: datetime

    def facts(self, candidate: Candidate, source: Source) -> Facts:
        """What can be found out; whatever cannot has its reason."""
        bases = tuple(self._bases(candidate))
        try:
            found = contents.read(source, required(source, candidate.digest))
        except BakehouseError as error:
            return Facts(bases=bases, why_no_packages=error.message)
        if self.database is None:
            return Facts(packages=found.packages, bases=bases)
        try:
            database = vulnerabilities.load(self.database)
            known = vulnerabilities.known(found.packages, database, release=found.release)
        except BakehouseError as error:
            return Facts(packages=found.packages, bases=bases, why_no_vulnerabilities=error.message)
        return Facts(
            packages=found.packages,
            bases=bases,
            vulnerabilities=known,
            database=f"{database.name} of {database.day}",
            database_days=(self.now.date() - database.day).days,
        )

    def _bases(self, candidate: Candidate) -> Iterator[BaseFact]:
        """Of the image itself; what its build stages start from is not in it."""
        supplies = [one for one in candidate.built.run.supplies_of(candidate.built.cell) if one.kind == "base"]
        own = [one for one in supplies if one.name == candidate.labels.get(BASE_NAME)]
        for supplied in own or supplies:
            try:
                yield self._base(supplied, candidate)
            except BakehouseError as error:
                yield BaseFact(name=supplied.name, digest=supplied.identity, reason=error.message)

    def _base(self, supplied: Supplied, candidate: Candidate) -> BaseFact:
        places = [_PLACE.fullmatch(attempt.place) for attempt in supplied.attempts if attempt.ok]
        place = next((found[1] for found in places if found), None)
        if place is None:
            reason = "it was made on the machine that built, from the distribution's packages of that day"
            return BaseFact(name=supplied.name, digest=supplied.identity, reason=reason)
        if self.registries is None:
            return BaseFact(name=supplied.name, digest=supplied.identity, reason="offline: not asked")
        location = parse(place)
        store = self.registries.read(location)
        now = store.resolve(location.reference or "latest") or ""
        age = None if now == supplied.identity else self._age(store, supplied.identity, candidate.platform)
        return BaseFact(name=supplied.name, digest=supplied.identity, newest=now, age_days=age)

    def _age(self, store: Source, digest: str, platform: str) -> int | None:
        """Days since it was made; None where the registry does not have it any more, or it does not say."""
        manifest = store.manifest(digest)
        if manifest and manifest.is_index:
            children = [child for child in manifest.children() if _is_for(child.platform or {}, platform)]
            manifest = store.manifest(children[0].digest) if children else None
        created = _created(store, manifest) if manifest else None
        return (self.now - created).days if created else None


def _is_for(platform: Any, wanted: str) -> bool:
    return f"{platform.get('os')}/{platform.get('architecture')}" == wanted


def _created(store: Source, manifest: Manifest) -> datetime | None:
    with store.open_blob(next(iter(manifest.blobs()))) as file:
        try:
            return datetime.fromisoformat(str(json.loads(file.read()).get("created", "")))
        except (ValueError, AttributeError):
            return None
