from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bakehouse.supply.checksum import remembered_sha256_of, sha256_of, sha256_of_tree


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    file, cache = tmp_path / "model", tmp_path / "cache"
    file.write_bytes(b"one")
    before = file.stat().st_mtime_ns
    first = remembered_sha256_of(file, cache=cache)
    assert first == hashlib.sha256(b"one").hexdigest()
    file.write_bytes(b"two")
    os.utime(file, ns=(before, before))
    assert remembered_sha256_of(file, cache=cache) == first
    os.utime(file, ns=(before + 1, before + 1))
    assert remembered_sha256_of(file, cache=cache) == sha256_of(file) == hashlib.sha256(b"two").hexdigest()


@pytest.mark.parametrize("damage", ["", "{", "[1, 2]", "null"])
def test_a_damaged_record_is_made_anew(tmp_path: Path, damage: str) -> None:
    file, cache = tmp_path / "model", tmp_path / "cache"
    file.write_bytes(b"one")
    remembered_sha256_of(file, cache=cache)
    (record,) = (cache / "hashes").iterdir()
    record.write_text(damage)
    assert remembered_sha256_of(file, cache=cache) == sha256_of(file)


def edit(folder: Path) -> None:
    (folder / "a").write_text("other")


def rename(folder: Path) -> None:
    (folder / "a").rename(folder / "c")


def make_program(folder: Path) -> None:
    (folder / "a").chmod(0o755)


def redirect(folder: Path) -> None:
    (folder / "sub/link").unlink()
    (folder / "sub/link").symlink_to("elsewhere")


def replace_link(folder: Path) -> None:
    (folder / "sub/link").unlink()
    (folder / "sub/link").write_text("../a")


@pytest.mark.parametrize("change", [edit, rename, make_program, redirect, replace_link])
def test_every_change_of_a_tree_changes_its_hash(tmp_path: Path, change: Callable[[Path], None]) -> None:
    before = sha256_of_tree(tree(tmp_path))
    change(tmp_path / "tree")
    assert sha256_of_tree(tmp_path / "tree") != before


def test_time_stamps_and_gits_own_files_do_not_count(tmp_path: Path) -> None:
    folder = tree(tmp_path)
    before = sha256_of_tree(folder)
    os.utime(folder / "a", (1, 1))
    (folder / ".git").mkdir()
    (folder / ".git/HEAD").write_text("x")
    assert sha256_of_tree(folder) == before


def tree(folder: Path) -> Path:
    (folder / "tree/sub").mkdir(parents=True)
    (folder / "tree/a").write_text("a")
    (folder / "tree/sub/link").symlink_to("../a")
    return folder / "tree"
