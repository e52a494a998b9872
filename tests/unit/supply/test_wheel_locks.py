from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.config.load import load_project
from bakehouse.errors import InfrastructureError, InputError, SupplyError
from bakehouse.model.build import WheelsBuild
from bakehouse.supply.wheel_locks import OVERRIDES, write_lock
from tests.unit.projects import wheels, write_project

PIN = "fastapi==0.139.0 --hash=sha256:" + "0" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recipe with requirements and no lock."""
    root = write_project(tmp_path, recipes={"small": wheels()}, templates={})
    found = root / "recipes" / "small"
    (found / "requirements.in").write_text("fastapi\n")
    return found


def uv(folder: Path, script: str) -> dict[str, str]:
    """An environment in which `uv` is this script."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "uv").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "uv").chmod(0o755)
    return {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(folder)}


def lock(folder: Path, environ: dict[str, str], platform: str = "linux/amd64") -> bool:
    build = WheelsBuild(kind="wheels", base="debian", version="1.2.0")
    return write_lock(folder, build, accelerator="cpu", platform=platform, environ=environ)


def test_what_uv_says_becomes_a_lock_that_is_read_again(folder: Path, tmp_path: Path) -> None:
    environ = uv(tmp_path, f"echo '{PIN}'")

    assert lock(folder, environ)
    assert not lock(folder, environ)

    world = load_project(folder.parents[1]).world
    assert world.locks["small"]["requirements.cpu-amd64.txt"].versions == {"fastapi": "0.139.0"}


def test_asks_for_hashes_the_platform_and_the_accelerators_own_requirements(folder: Path, tmp_path: Path) -> None:
    (folder / "requirements.cpu.in").write_text("onnxruntime\n")
    (folder / OVERRIDES).write_text("x; sys_platform == 'never'\n")
    (folder / "requirements.cpu.overrides.in").write_text("y; sys_platform == 'never'\n")
    (folder / "requirements.cuda.overrides.in").write_text("z; sys_platform == 'never'\n")
    environ = uv(tmp_path, f"echo \"$@\" > {tmp_path}/asked; echo '{PIN}'")

    lock(folder, environ)

    asked = (tmp_path / "asked").read_text()
    assert "--generate-hashes" in asked
    assert "--python-platform x86_64-manylinux_2_40 --python-version 3.13" in asked
    overrides = f"--overrides {OVERRIDES} --overrides requirements.cpu.overrides.in"
    assert f"{overrides} requirements.in requirements.cpu.in" in asked


def test_pips_index_is_uvs_too(folder: Path, tmp_path: Path) -> None:
    environ = uv(tmp_path, f"echo \"$UV_DEFAULT_INDEX\" > {tmp_path}/asked; echo '{PIN}'")

    lock(folder, environ | {"PIP_INDEX_URL": "https://mirror.example/simple"})

    assert (tmp_path / "asked").read_text() == "https://mirror.example/simple\n"


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        (
            "echo 'x No solution found when resolving' >&2; exit 1",
            InputError,
            "no wheels satisfy the requirements of cpu",
        ),
        ('echo "error: Couldn\'t parse requirement" >&2; exit 2', InputError, "uv cannot read the requirements"),
        ("echo 'error sending request' >&2; exit 2", SupplyError, "error sending request"),
        ("echo fastapi", InputError, "not a pinned distribution"),
        ("echo fastapi==1.0", InputError, "fastapi has no hash"),
    ],
)
def test_says_why_there_is_no_lock(
    folder: Path, tmp_path: Path, script: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        lock(folder, uv(tmp_path, script))

    assert not [*folder.glob("*.txt")]


def test_without_uv(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(folder / "python"))
    with pytest.raises(InfrastructureError, match="uv, which locks wheels, is not installed"):
        lock(folder, {"PATH": str(folder)})


def test_a_platform_that_has_no_wheels(folder: Path) -> None:
    with pytest.raises(InputError, match="not for linux/riscv64"):
        lock(folder, {}, platform="linux/riscv64")


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, "https://download.pytorch.org/whl/cpu"),
        ({"PIP_EXTRA_INDEX_URL": "https://mirror/simple"}, "https://mirror/simple"),
    ],
)
def test_the_recipes_own_indexes_are_asked_where_the_user_names_none(
    folder: Path, tmp_path: Path, environ: dict[str, str], asked: str
) -> None:
    script = f'echo "$UV_INDEX" > {tmp_path}/index; echo "$@" > {tmp_path}/asked; echo \'{PIN}\''
    backends = {"cpu": {"indexes": ("https://download.pytorch.org/whl/cpu",)}}
    build = WheelsBuild.model_validate(
        {"kind": "wheels", "base": "debian", "version": "1.2.0", "python": "3.11", "backends": backends}
    )

    write_lock(folder, build, accelerator="cpu", platform="linux/arm64", environ=environ | uv(tmp_path, script))

    assert (tmp_path / "index").read_text().strip() == asked
    words = (tmp_path / "asked").read_text()
    assert "--index-strategy unsafe-best-match" in words
    assert "--python-platform aarch64-manylinux_2_36 --python-version 3.11" in words
