from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.pipeline.scratch import scratch


def test_it_is_gone_afterwards(tmp_path: Path) -> None:
    def fail() -> None:
        with scratch(tmp_path) as folder:
            (folder / "image.tar").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not list((tmp_path / "scratch").iterdir())


def test_what_a_killed_run_left_goes_and_what_another_uses_stays(tmp_path: Path) -> None:
    abandoned = tmp_path / "scratch" / "abandoned"
    abandoned.mkdir(parents=True)
    (abandoned / "image.tar").write_text("x")
    with scratch(tmp_path) as theirs:
        (theirs / "image.tar").write_text("x")
        assert not abandoned.exists()
        with scratch(tmp_path) as ours:
            assert ours != theirs
            assert (theirs / "image.tar").exists()
