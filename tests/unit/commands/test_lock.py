"""Locks of wheels, recipe by recipe; uv is a script."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.errors import ExitCode
from tests.unit.projects import wheels, write_project

PIN = "fastapi==0.139.0 --hash=sha256:" + "0" * 64
LOCK = "requirements.cpu-amd64.txt"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two recipes; the index of `far` cannot be reached."""
    root = tmp_path / "project"
    root.mkdir()
    write_project(root, recipes={"far": wheels(), "near": wheels()}, templates={})
    for name in ("far", "near"):
        (root / f"recipes/{name}/requirements.in").write_text("fastapi\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "uv").write_text(f'#!/bin/sh\ncase "$PWD" in *far) echo "no route" >&2; exit 2;; esac\necho "{PIN}"\n')
    (programs / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return root


def lock(root: Path, *names: str) -> int:
    return main(["--root", str(root), "lock", "--requirements", *names])


def test_one_recipe_alone(root: Path) -> None:
    assert lock(root, "near") == ExitCode.OK
    assert (root / "recipes/near" / LOCK).exists()
    assert not (root / "recipes/far" / LOCK).exists()


def test_a_recipe_that_there_is_not(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lock(root, "neer") == ExitCode.BAD_INPUT
    assert "Perhaps you meant 'near'." in capsys.readouterr().err


def test_an_index_out_of_reach_stops_no_other_recipe(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lock(root) == ExitCode.INFRASTRUCTURE
    assert "could not lock recipes/far/requirements.in" in capsys.readouterr().err
    assert (root / "recipes/near" / LOCK).exists()

    (root / "recipes/far" / LOCK).write_text("old\n")
    assert lock(root) == ExitCode.OK
    assert f"recipes/far/{LOCK} stays what it was" in capsys.readouterr().err
    assert lock(root, "far") == ExitCode.INFRASTRUCTURE, "what was named must be locked"
