"""What every store does: registries with and without the referrers API, and folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.registry.content import EMPTY_BLOB, EMPTY_CONFIG, Manifest, artifact, blob_of
from bakehouse.registry.copying import copy, required
from bakehouse.registry.fallback import index
from bakehouse.registry.layout import LayoutFolder, open_layout_tar, write_tar
from bakehouse.registry.store import NoSuchContentError, Placed, Store, opener
from tests.doubles.attached import copy_referrers
from tests.doubles.images import layout_with, put_image
from tests.doubles.registry import FakeRegistry, serving
from tests.unit.registry.conftest import Client

KINDS = ["referrers-api", "fallback", "pages", "chunks", "folder"]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, client: Client, tmp_path: Path) -> Iterator[Store]:
    kind = request.param
    if kind == "folder":
        yield LayoutFolder(tmp_path / "layout")
        return
    double = FakeRegistry(referrers_api=kind != "fallback", page=2 if kind == "pages" else 0)
    with serving(double) as registry:
        yield client(registry, **({"chunk": 1000} if kind == "chunks" else {}))


def attach(store: Store, subject: Manifest, word: str) -> Manifest:
    found = artifact(
        artifact_type="application/x", layers={"text/plain": word.encode()}, subject=subject.descriptor, annotations={}
    )
    store.put_blob(EMPTY_CONFIG, opener(EMPTY_BLOB))
    store.put_blob(blob_of(word.encode(), "text/plain"), opener(word.encode()))
    store.put_manifest(found)
    return found


def test_what_is_put_is_there(store: Store) -> None:
    manifest = put_image(store)
    assert store.manifest(manifest.digest) == manifest
    store.put_manifest(manifest, tag="nightly")
    assert store.resolve("nightly") == manifest.digest
    assert store.tags() == ["nightly"]
    for blob in manifest.blobs():
        with store.open_blob(blob) as file:
            assert len(file.read()) == blob.size


def test_what_is_not_there_is_none(store: Store) -> None:
    assert store.resolve("nightly") is None
    assert store.manifest("sha256:" + "0" * 64) is None
    assert store.tags() == []
    assert store.referrers("sha256:" + "0" * 64) == []
    with pytest.raises(NoSuchContentError), store.open_blob(blob_of(b"x", "text/plain")):
        pass


def test_a_tag_moves(store: Store) -> None:
    first, second = put_image(store, seed="1"), put_image(store, seed="2")
    store.put_manifest(first, tag="nightly")
    store.put_manifest(second, tag="nightly")
    assert store.resolve("nightly") == second.digest
    assert store.tags() == ["nightly"]
    assert store.resolve(first.digest) == first.digest


def test_putting_twice_changes_nothing(store: Store) -> None:
    manifest = put_image(store)
    blob = next(manifest.blobs())
    assert store.put_blob(blob, opener(b"never read")) is Placed.EXISTED
    put_image(store)
    assert store.manifest(manifest.digest) == manifest


def test_referrers_are_listed(store: Store) -> None:
    manifest = put_image(store)
    attached = {attach(store, manifest, word).digest for word in ("one", "two", "three")}
    attach(store, manifest, "two")
    assert {one.digest for one in store.referrers(manifest.digest)} == attached
    assert len(store.referrers(manifest.digest)) == 3
    assert {one.artifact_type for one in store.referrers(manifest.digest)} == {"application/x"}
    assert store.tags() == [], "the fallback's tag is no tag of ours"


def test_deleting_takes_the_tags_along(store: Store) -> None:
    first, second = put_image(store, seed="1"), put_image(store, seed="2")
    store.put_manifest(first, tag="old")
    store.put_manifest(first, tag="older")
    store.put_manifest(second, tag="new")
    assert store.delete(first.digest)
    assert store.tags() == ["new"]
    assert store.resolve(first.digest) is None
    assert not store.delete(first.digest)


def test_an_index_is_copied_with_all_that_it_names(store: Store, tmp_path: Path) -> None:
    source = LayoutFolder(tmp_path / "source")
    images = [put_image(source, architecture=name) for name in ("amd64", "arm64")]
    whole = index([image.descriptor for image in images])
    source.put_manifest(whole, tag="v1")
    copy(whole.digest, source=source, target=store, tag="v1")
    assert store.resolve("v1") == whole.digest
    assert {child.digest for child in required(store, "v1").children()} == {image.digest for image in images}


def test_a_copy_goes_round_and_is_the_same(store: Store, tmp_path: Path) -> None:
    """Out of a store into a tar file, and what is attached comes along."""
    manifest = put_image(store)
    attach(store, attach(store, manifest, "one"), "of one")
    folder = LayoutFolder(tmp_path / "out")
    copy(manifest.digest, source=store, target=folder, tag="v1")
    assert copy_referrers(manifest.digest, source=store, target=folder) == 2
    write_tar(folder, tmp_path / "out.tar")
    found = open_layout_tar(tmp_path / "out.tar")
    assert found.resolve("v1") == manifest.digest
    (attached,) = found.referrers(manifest.digest)
    assert len(found.referrers(attached.digest)) == 1


def test_a_large_blob_comes_whole(store: Store) -> None:
    content = bytes(range(256)) * 40
    blob = blob_of(content, "application/octet-stream")
    assert store.put_blob(blob, opener(content)) is Placed.SENT
    with store.open_blob(blob) as file:
        assert file.read() == content


def test_the_tar_of_a_folder_is_reproducible(tmp_path: Path) -> None:
    tars = []
    for name in ("a", "b"):
        store, _ = layout_with(tmp_path / name)
        write_tar(store, tmp_path / f"{name}.tar")
        tars.append((tmp_path / f"{name}.tar").read_bytes())
    assert tars[0] == tars[1]
