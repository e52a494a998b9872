"""What is in an image, as an SPDX 2.3 document. https://spdx.github.io/spdx-spec/v2.3/ . Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import bakehouse
from bakehouse.publish.candidates import Candidate
from bakehouse.publish.facts import Package

_NOT_ID = re.compile(r"[^A-Za-z0-9.-]+")
_DEBIAN = {"expat": "MIT", "bsd-2-clause": "BSD-2-Clause", "bsd-3-clause": "BSD-3-Clause", "apache-2": "Apache-2.0"}
"""Debian's short names that are not SPDX's: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"""
_KNOWN = re.compile(
    r"(?:MIT|ISC|Zlib|curl|PSF-2\.0|Unlicense|OpenSSL|Apache-[12]\.[01]|MPL-[12]\.[01]|BSD-[0-9]-Clause|BSL-1\.0|"
    r"Python-2\.0|CC0-1\.0|(?:A?GPL|LGPL|GFDL)-[0-9]\.[0-9](?:-only|-or-later)|0BSD)"
)
_GNU = re.compile(r"(AGPL|LGPL|GPL|GFDL)-([0-9])(?:\.([0-9]))?(\+?)", re.IGNORECASE)


def document(candidate: Candidate, packages: Sequence[Package]) -> dict[str, Any]:
    """Of one image. Created when the run began, so that the same image gives the same document."""
    image = {
        "SPDXID": "SPDXRef-Image",
        "name": candidate.cell,
        "versionInfo": candidate.digest,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
        "checksums": [{"algorithm": "SHA256", "checksumValue": candidate.digest.removeprefix("sha256:")}],
    }
    inside = [_package(package, number) for number, package in enumerate(sorted(packages, key=_order))]
    names = sorted({name for package in packages for name in map(licence, package.licences) if "LicenseRef" in name})
    found = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": candidate.cell,
        "documentNamespace": f"https://bakehouse.io/spdx/{candidate.cell}/{candidate.digest.removeprefix('sha256:')}",
        "creationInfo": {
            "created": candidate.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: bakehouse-{bakehouse.__version__}"],
        },
        "packages": [image, *inside],
        "relationships": [
            _relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image"),
            *(_relation("SPDXRef-Image", "CONTAINS", package["SPDXID"]) for package in inside),
        ],
    }
    if names:
        found["hasExtractedLicensingInfos"] = [
            {"licenseId": name, "extractedText": f"As the package says it: {name.removeprefix('LicenseRef-')}"}
            for name in names
        ]
    return found


def _order(package: Package) -> tuple[str, str, str]:
    return package.kind, package.name, package.version


def _package(package: Package, number: int) -> dict[str, Any]:
    licences = [licence(name) for name in package.licences]
    return {
        "SPDXID": f"SPDXRef-{number}-{_NOT_ID.sub('-', package.name)}",
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseDeclared": " AND ".join(dict.fromkeys(licences)) or "NOASSERTION",
        "licenseConcluded": "NOASSERTION",
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl(package)}
        ],
    }


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def purl(package: Package) -> str:
    """https://github.com/package-url/purl-spec"""
    kind = "deb/debian" if package.kind == "deb" else package.kind
    version = quote(package.version, safe="")
    arch = f"?arch={package.architecture}" if package.architecture else ""
    return f"pkg:{kind}/{quote(package.name, safe='')}@{version}{arch}"


def licence(name: str) -> str:
    """SPDX's name for a licence, or a reference that is none: `GPL-2+` is `GPL-2.0-or-later`."""
    plain = name.strip()
    if found := _GNU.fullmatch(plain):
        version = f"{found[2]}.{found[3] or '0'}"
        return f"{found[1].upper()}-{version}-{'or-later' if found[4] else 'only'}"
    if plain.lower() in _DEBIAN:
        return _DEBIAN[plain.lower()]
    if _KNOWN.fullmatch(plain):
        return plain
    return f"LicenseRef-{_NOT_ID.sub('-', plain).strip('-') or 'unknown'}"
