"""What is in an image, as its layers say."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.publish import contents
from bakehouse.publish.candidates import Candidate, variants
from bakehouse.publish.facts import Package
from bakehouse.publish.spdx import document, licence, purl
from bakehouse.registry.content import MANIFEST, Manifest, blob_of
from bakehouse.registry.layout import LayoutFolder
from bakehouse.registry.store import opener
from tests.doubles.images import LAYER, layer, put_image
from tests.unit.publish.conftest import FILES, World

METADATA = b"""Metadata-Version: 2.4
Name: onnxruntime
Version: 1.26.0
License-Expression: MIT AND Apache-2.0

Long text
License: this is no field
"""


def image(folder: Path, *layers: dict[str, bytes]) -> tuple[LayoutFolder, Manifest]:
    store = LayoutFolder(folder)
    blobs = []
    for files in layers:
        content, _ = layer(files)
        store.put_blob(blob_of(content, LAYER), opener(content))
        blobs.append(blob_of(content, LAYER).to_json())
    config = blob_of(b"{}", "application/vnd.oci.image.config.v1+json")
    store.put_blob(config, opener(b"{}"))
    manifest = Manifest.of({"schemaVersion": 2, "mediaType": MANIFEST, "config": config.to_json(), "layers": blobs})
    store.put_manifest(manifest)
    return store, manifest


def test_debian_and_python_packages(tmp_path: Path) -> None:
    wheel = {"app/env/lib/python3.13/site-packages/onnxruntime-1.26.0.dist-info/METADATA": METADATA}
    found = contents.read(*image(tmp_path, FILES, wheel))
    assert found.release == "trixie"
    assert found.packages == (
        Package(
            kind="deb",
            name="libc6",
            version="2.41-12",
            licences=("LGPL-2.1+",),
            source="glibc",
            source_version="2.41-12",
            architecture="amd64",
        ),
        Package(kind="pypi", name="onnxruntime", version="1.26.0", licences=("Apache-2.0", "MIT")[::-1]),
    )


def test_what_an_upper_layer_took_away_is_not_there(tmp_path: Path) -> None:
    assert contents.read(*image(tmp_path / "a", FILES, {"var/lib/dpkg/.wh.status": b""})).packages == ()
    assert contents.read(*image(tmp_path / "b", FILES, {"var/lib/.wh..wh..opq": b""})).packages == ()


def test_an_upper_layer_replaces(tmp_path: Path) -> None:
    newer = FILES["var/lib/dpkg/status"].replace(b"2.41-12", b"2.41-13")
    (package,) = contents.read(*image(tmp_path, FILES, {"./var/lib/dpkg/status": newer})).packages
    assert package.version == "2.41-13"


def test_distroless_images_keep_a_file_a_package(tmp_path: Path) -> None:
    stanza = b"Package: tzdata\nVersion: 2026a-1\n"
    files = {
        "var/lib/dpkg/status.d/tzdata": stanza,
        "var/lib/dpkg/status.d/tzdata.md5sums": b"Package: x\nVersion: 1\n",
    }
    assert [one.name for one in contents.read(*image(tmp_path, files)).packages] == ["tzdata"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("Expat", "MIT"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("Apache-2.0", "Apache-2.0"),
        ("public-domain", "LicenseRef-public-domain"),
        ("a strange / one", "LicenseRef-a-strange-one"),
    ],
)
def test_names_of_licences(name: str, expected: str) -> None:
    assert licence(name) == expected


def test_the_document_names_what_it_invents(world: World) -> None:
    (variant,) = variants([world.run(world.cell())], wanted={})
    (candidate,) = variant.candidates
    assert isinstance(candidate, Candidate)
    packages = [Package(kind="deb", name="x", version="1:2", licences=("odd",), architecture="amd64")]
    found = document(candidate, packages)
    assert found == document(candidate, packages), "the same image gives the same document"
    assert [one["licenseId"] for one in found["hasExtractedLicensingInfos"]] == ["LicenseRef-odd"]
    assert purl(packages[0]) == "pkg:deb/debian/x@1%3A2?arch=amd64"


def test_a_layer_that_is_no_archive_is_told(tmp_path: Path) -> None:
    store = LayoutFolder(tmp_path)
    manifest = put_image(store)
    broken = blob_of(b"no tar at all" * 100, LAYER)
    store.put_blob(broken, opener(b"no tar at all" * 100))
    document_ = manifest.document | {"layers": [broken.to_json()]}
    with pytest.raises(Exception, match="cannot be read"):
        contents.read(store, Manifest.of(document_))
