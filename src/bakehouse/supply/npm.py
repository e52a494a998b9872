"""Packages of an npm registry: where a version's tarball lies, and its hash.

https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md says what a registry answers.
No script of a package is ever run.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import requests

from bakehouse.errors import SupplyError
from bakehouse.supply.web import network_errors, public
from bakehouse.system.patience import Patience

REGISTRY = "https://registry.npmjs.org"
ADDRESS = "NPM_CONFIG_REGISTRY"
"""Another registry, as npm itself reads it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """One version of a package."""

    url: str
    sha512: bytes


def locate(requirement: str, *, environ: Mapping[str, str], session: requests.Session, patience: Patience) -> Package:
    """Ask the registry for `name@version`. Raises SupplyError."""
    name, _, version = requirement.rpartition("@")
    registry = (environ.get(ADDRESS) or environ.get(ADDRESS.lower()) or REGISTRY).rstrip("/")
    url = f"{registry}/{quote(name, safe='@')}/{quote(version)}"
    with network_errors(url):
        answer = session.get(url, timeout=patience.timeout)
        answer.raise_for_status()
    try:
        found = answer.json()["dist"]
        return Package(url=str(found["tarball"]), sha512=_sha512(str(found["integrity"])))
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise SupplyError(f"{public(url)} does not answer like an npm registry: no tarball with a sha512") from None


def require(file: Path, package: Package) -> None:
    """Raises SupplyError, and takes the file away, where it is not what the registry lists."""
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha512").digest()
    if found != package.sha512:
        file.unlink()
        raise SupplyError(f"{public(package.url)} has another sha512 than the registry lists")


def _sha512(integrity: str) -> bytes:
    """Of `sha512-BASE64`, among several hashes. Raises ValueError where there is none."""
    for one in integrity.split():
        kind, _, digest = one.partition("-")
        if kind == "sha512":
            return base64.b64decode(digest, validate=True)
    raise ValueError(integrity)
