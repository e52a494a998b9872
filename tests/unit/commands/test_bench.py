from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.errors import ExitCode


def test_a_client_that_is_not_installed_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--root", str(tmp_path), "bench", "--engine", "aiperf"]) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err
    assert said.startswith("error: --engine aiperf: the program aiperf is not on PATH\n")
    assert "pipx install aiperf" in said
    assert not list(tmp_path.iterdir())


def test_only_our_own_client_is_held_against_llama_bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path), "bench", "--engine", "aiperf", "--calibrate"]) == ExitCode.BAD_INPUT
    assert "--engine aiperf leaves them out" in capsys.readouterr().err


def test_another_program_is_no_engine(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "--engine", "wrk"])
    assert ended.value.code == ExitCode.BAD_INPUT
    assert "bakehouse, aiperf" in capsys.readouterr().err.replace("'", "")
