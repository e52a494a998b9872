from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.hosts import mirror
from bakehouse.hosts.mirror import MARK, Piece, Receiver, Sender


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    there, here = tmp_path / "there", tmp_path / "here"
    for folder in (there, here):
        (folder / "tests").mkdir(parents=True)
    return there, here


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_taken(receiver: Receiver, line: str) -> None:
    assert receiver.take(line)


def test_what_grows_is_sent_once_and_what_changes_whole(folders: tuple[Path, Path]) -> None:
    there, here = folders
    (there / "tests/known.jsonl").write_bytes(b"known\n")
    (here / "tests/known.jsonl").write_bytes(b"known\n")
    lines: list[str] = []
    sender, receiver = Sender(there, lines.append), Receiver(here)
    sender.sync()
    assert lines == [], "what was there before is known"

    with (there / "tests/known.jsonl").open("ab") as file:
        file.write(b"more\n")
    (there / "tests/time.json").write_text("1")
    (there / "logs").mkdir()
    (there / "logs/a.log").write_bytes(b"")
    sender.sync()
    assert len(lines) == 3
    assert "bW9yZQo=" in "".join(lines), "the new line alone"
    (there / "tests/time.json").write_text("")
    (there / "half.tmp").write_text("being written")
    sender.sync()
    assert all(receiver.take(line) for line in lines)
    (there / "half.tmp").unlink()
    assert content(here) == content(there)


def test_large_files_come_in_pieces(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "PIECE", 8)
    there, here = folders
    receiver = Receiver(here)
    sender = Sender(there, lambda line: assert_taken(receiver, line))
    for text in (b"x" * 8, b"y" * 17, b"z" * 3):
        (there / "picture.png").write_bytes(text)
        os.utime(there / "picture.png", ns=(1, len(text)))
        sender.sync()
        assert content(here) == content(there)


@given(st.lists(st.tuples(st.sampled_from(["a.jsonl", "tests/b.log"]), st.binary(max_size=40)), max_size=12))
def test_a_mirror_is_the_same(tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[str, bytes]]) -> None:
    there, here = tmp_path_factory.mktemp("there"), tmp_path_factory.mktemp("here")
    (there / "tests").mkdir()
    receiver = Receiver(here)
    sender = Sender(there, lambda line: assert_taken(receiver, line))
    for name, data in writes:
        with (there / name).open("ab") as file:
            file.write(data)
        sender.sync()
    assert content(here) == content(there)


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "tests/../../outside", "link/inside"])
def test_nothing_is_written_outside_the_folder(folders: tuple[Path, Path], tmp_path: Path, path: str) -> None:
    _, here = folders
    (tmp_path / "elsewhere").mkdir()
    (here / "link").symlink_to(tmp_path / "elsewhere")
    assert Receiver(here).take(MARK + Piece(path=path, offset=0, data="eA==").model_dump_json())
    assert content(tmp_path) == {}


@pytest.mark.parametrize("torn", ["", "{", '{"path": "a", "offset": 0}', '{"path": "a", "offset": 0, "data": "*"}'])
def test_torn_lines_are_left_out(folders: tuple[Path, Path], torn: str) -> None:
    _, here = folders
    assert Receiver(here).take(MARK + torn)
    assert content(here) == {}
    assert not Receiver(here).take("a test passed")
