from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bakehouse.config.load import load_project
from bakehouse.config.requirements import MADE_FROM, made_from, parse_lock
from bakehouse.errors import InputError, InputErrors
from tests.unit.projects import recipe, wheels, write_lock, write_project

PIN = "fastapi==0.139.0 --hash=sha256:" + "0" * 64


def project(root: Path, **changes: Any) -> Path:
    return write_project(root, recipes={"small": wheels(**changes)}, templates={})


def test_reads_names_and_versions() -> None:
    more = f"    --hash=sha256:{'1' * 64}\n    # via x"
    text = f"# a comment\n{PIN} \\\n{more}\nPy_YAML==6.0.2 \\\n  --hash=sha256:{'2' * 64}\n"

    assert parse_lock(text, file="lock").versions == {"fastapi": "0.139.0", "py-yaml": "6.0.2"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("fastapi>=0.139\n", 1, "not a pinned distribution"),
        (f"{PIN}\n\nnumpy==2.4.0\n", 3, "numpy has no hash"),
        ("-i https://example.org/simple\n", 1, "not a pinned distribution"),
        (f"# x\n{PIN}\n-e .\n", 3, "not a pinned distribution"),
    ],
)
def test_refuses_what_the_build_would_refuse(text: str, line: int, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_lock(text, file="lock")

    assert caught.value.where
    assert caught.value.where.line == line


def test_a_lock_is_read_with_the_project(tmp_path: Path) -> None:
    root = write_lock(project(tmp_path), "small", PIN)

    lock = load_project(root).world.locks["small"]["requirements.cpu-amd64.txt"]

    assert lock.versions == {"fastapi": "0.139.0"}


def test_says_how_to_write_a_missing_one(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / "recipes/small/requirements.in").write_text("fastapi\n")

    with pytest.raises(InputError, match="there is no lock of the wheels for cpu on linux/amd64") as caught:
        load_project(root)

    assert "bakehouse lock --requirements" in (caught.value.hint or "")
    assert load_project(root, locks=False).world.locks == {}


def test_without_requirements_there_is_nothing_to_lock(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"recipes/small/requirements\.in: the file does not exist"):
        load_project(project(tmp_path))


def test_a_changed_requirement_makes_the_lock_stale(tmp_path: Path) -> None:
    root = write_lock(project(tmp_path), "small", PIN)
    (root / "recipes/small/requirements.cpu.in").write_text("onnxruntime\n")

    with pytest.raises(InputError, match="not of today's requirements"):
        load_project(root)


def test_the_named_distribution_must_be_locked(tmp_path: Path) -> None:
    build = wheels()["build"] | {"package": "vllm", "version": None}
    root = write_lock(project(tmp_path, build=build), "small", PIN)

    with pytest.raises(InputError, match="vllm is not among the locked wheels") as caught:
        load_project(root)

    assert caught.value.where
    assert caught.value.where.line


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    recipes = {"one": wheels(), "two": wheels(), "server": recipe()}

    with pytest.raises(InputErrors) as caught:
        load_project(write_project(tmp_path, recipes=recipes, templates={}))

    assert len(caught.value.errors) == 2


def test_what_it_was_made_from_is_on_the_first_line(tmp_path: Path) -> None:
    root = write_lock(project(tmp_path), "small", PIN)
    text = (root / "recipes/small/requirements.cpu-amd64.txt").read_text()

    assert text.startswith(MADE_FROM + made_from(root / "recipes/small", "cpu"))
