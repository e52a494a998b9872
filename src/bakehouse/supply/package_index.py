"""What packages a distribution's release has, by the index files that apt reads.

Format: https://wiki.debian.org/DebianRepository/Format. An index is kept for a day, reduced to names and versions.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from bakehouse.engine.embedded.debian import read_sources
from bakehouse.errors import SupplyError
from bakehouse.planning.packages import Archive
from bakehouse.supply.debootstrap import PUBLIC_MIRROR
from bakehouse.supply.web import network_errors, new_session, public, refusal
from bakehouse.system import atomic_write

FRESH = 24 * 3600.0
"""Seconds that a kept index is taken for the newest."""
TIMEOUT = (10.0, 60.0)
"""Seconds for the connection, and between two pieces of data."""
UBUNTU = {"amd64": "http://archive.ubuntu.com/ubuntu"}
UBUNTU_PORTS = "http://ports.ubuntu.com/ubuntu-ports"


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """What a release has for one architecture."""

    versions: Mapping[str, frozenset[str]]
    """Of each package."""
    provided: frozenset[str]
    """Names that some package stands for."""

    def has(self, name: str) -> bool:
        return name in self.versions or name in self.provided


def parse_index(text: str) -> Index:
    """Read the stanzas of a `Packages` file."""
    versions: dict[str, set[str]] = {}
    provided: set[str] = set()
    name = ""
    for line in text.splitlines():
        key, separator, value = line.partition(": ")
        if not separator:
            continue
        if key == "Package":
            name = value.strip()
            versions.setdefault(name, set())
        elif key == "Version" and name:
            versions[name].add(value.strip())
        elif key == "Provides":
            provided |= {word.split()[0].partition(":")[0] for word in value.split(",") if word.strip()}
    return Index(versions={key: frozenset(found) for key, found in versions.items()}, provided=frozenset(provided))


def joined(indexes: Iterable[Index]) -> Index:
    """Several components, or a release and its updates, as one."""
    versions: dict[str, frozenset[str]] = {}
    provided: frozenset[str] = frozenset()
    for one in indexes:
        provided |= one.provided
        for name, found in one.versions.items():
            versions[name] = versions.get(name, frozenset()) | found
    return Index(versions=versions, provided=provided)


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageIndexes:
    """The indexes of archives, from this machine's mirror or the public one, kept in the cache."""

    cache: Path
    offline: bool = False
    root: Path = Path("/")
    """Where this machine's apt sources are read."""
    session: Callable[[], requests.Session] = new_session
    clock: Callable[[], float] = time.time

    def get(self, archive: Archive, architecture: str) -> Index:
        """Raises SupplyError where the archive cannot be reached and nothing fresh is kept."""
        main = [self._component(archive, archive.suite, name, architecture) for name in archive.components]
        updates = [self._updates(archive, name, architecture) for name in archive.components[:1]]
        return joined([*main, *updates])

    def _updates(self, archive: Archive, component: str, architecture: str) -> Index:
        """Rolling releases have none."""
        try:
            return self._component(archive, f"{archive.suite}-updates", component, architecture)
        except SupplyError:
            return Index(versions={}, provided=frozenset())

    def _component(self, archive: Archive, suite: str, component: str, architecture: str) -> Index:
        mirror = self._mirror(archive.distribution, architecture)
        url = f"{mirror}/dists/{suite}/{component}/binary-{architecture}/Packages.xz"
        kept = self.cache / "indexes" / f"{hashlib.sha256(url.encode()).hexdigest()[:24]}.json"
        if kept.is_file() and (self.offline or self.clock() - kept.stat().st_mtime < FRESH):
            return _load(kept)
        if self.offline:
            raise SupplyError("not in the cache, and BAKEHOUSE_OFFLINE is set")
        index = parse_index(_unpacked(self._fetch(url), url))
        kept.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "versions": {name: sorted(found) for name, found in index.versions.items()},
            "provided": sorted(index.provided),
        }
        atomic_write.write(kept, json.dumps(content))
        return index

    def _fetch(self, url: str) -> bytes:
        with network_errors(url), self.session() as session:
            answer = session.get(url, timeout=TIMEOUT)
            if not answer.ok:
                raise refusal(answer, url)
            return answer.content

    def _mirror(self, distribution: str, architecture: str) -> str:
        here = [uri.rstrip("/") for source in read_sources(self.root) for uri in source.uris]
        own = next((uri for uri in here if uri.startswith("http") and uri.endswith(f"/{distribution}")), None)
        if distribution == "debian":
            return own or PUBLIC_MIRROR
        return (own or UBUNTU["amd64"]) if architecture == "amd64" else UBUNTU_PORTS


def _load(kept: Path) -> Index:
    content = json.loads(kept.read_text(encoding="utf-8"))
    versions = {name: frozenset(found) for name, found in content["versions"].items()}
    return Index(versions=versions, provided=frozenset(content["provided"]))


def _unpacked(content: bytes, url: str) -> str:
    try:
        return lzma.decompress(content).decode("utf-8", errors="replace")
    except lzma.LZMAError as error:
        raise SupplyError(f"{public(url)} is no xz file: {error}") from error
