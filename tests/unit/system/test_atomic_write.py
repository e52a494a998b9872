from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bakehouse.system import atomic_write


def test_a_failed_write_leaves_the_old_text_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "new" / "file"
    atomic_write.write(file, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left") as caught:
        atomic_write.write(file, "new")
    assert caught.value.filename == str(file)
    assert {path.name: path.read_text() for path in file.parent.iterdir()} == {"file": "old"}


def test_text_that_is_no_utf_8_is_written_so_that_it_can_be_read(tmp_path: Path) -> None:
    atomic_write.write(tmp_path / "file", "\udcff\n")
    assert (tmp_path / "file").read_text() == "\\udcff\n"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644
