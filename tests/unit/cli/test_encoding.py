from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.cli.encoding import NEAREST, degrade
from bakehouse.system import process
from tests.unit.projects import matrix, recipe, write_project

POOR = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def written(text: str, encoding: str) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    degrade(stream)
    stream.write(text)
    stream.flush()
    return raw.getvalue().decode(encoding)


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_can_be_written(text: str) -> None:
    assert written(text, "ascii").isascii()
    written(text, "latin-1")
    written(text, "utf-8")


def test_what_is_near_stands_for_it() -> None:
    assert written("é → 3 \u00d7 4 … 日", "ascii") == "e -> 3 x 4 ... ?"
    assert written("é → 日", "utf-8") == "é → 日"
    assert written("a\udcffb", "utf-8") == "a?b"
    assert all(value.isascii() for value in NEAREST.values())


@pytest.mark.parametrize("words", [("plan",), ("plan", "--json"), ("plan", "--explain", "server-cpu-amd64"), ("lint",)])
@pytest.mark.parametrize("encoding", ["", "ascii", "latin-1"])
def test_a_poor_terminal_is_no_bug(words: tuple[str, ...], encoding: str, tmp_path: Path) -> None:
    """The project's files and folders hold more than ASCII."""
    root = tmp_path / "bäckerei-日本"
    root.mkdir()
    write_project(
        root,
        matrix=matrix(flag_sets={"default": {"summary": "plain → é", "accelerators": ["cpu"]}}),
        recipes={"server": recipe(summary="ein Server … 日本")},
        templates={"server.Dockerfile.j2": "# {{ recipe.summary | comment }}\nFROM {{ cell.build_base }} AS image\n"},
    )
    environ = {**os.environ, **POOR, "BAKEHOUSE_CACHE": str(tmp_path / "cache")}
    environ |= {"PYTHONIOENCODING": encoding} if encoding else {}
    command = [sys.executable, "-m", "bakehouse", "--root", str(root), *words]
    done = process.run(command, env=environ, check=False, cwd=tmp_path)
    assert done.code == 0, done.stderr


def test_a_plan_is_written_as_utf_8(tmp_path: Path) -> None:
    write_project(
        tmp_path,
        recipes={"server": recipe(summary="日本")},
        templates={"server.Dockerfile.j2": "# {{ recipe.summary | comment }}\nFROM {{ cell.build_base }} AS image\n"},
    )
    command = [sys.executable, "-m", "bakehouse", "--root", str(tmp_path), "plan", "--write", str(tmp_path / "out")]
    process.run(command, env={**os.environ, **POOR, "BAKEHOUSE_CACHE": str(tmp_path / "cache")})
    assert "日本" in (tmp_path / "out/server-cpu-amd64.Dockerfile").read_text(encoding="utf-8")
