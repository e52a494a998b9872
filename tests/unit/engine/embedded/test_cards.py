from __future__ import annotations

import json
from pathlib import Path

import pytest

from bakehouse.engine.cdi import FOLDERS, devices_in
from bakehouse.engine.embedded.cards import FILE, write_specification
from bakehouse.machine import Machine
from tests.unit.engine.test_cdi import DEBIAN, H200, VERSION, driver_in, nodes_in

MACHINE = Machine(platform="linux/amd64", cores=16, cards=(H200,))
BARE = Machine(platform="linux/amd64", cores=2, cards=())


def written(
    root: Path, machine: Machine = MACHINE, *, docker: str = "26.1.5+dfsg1"
) -> tuple[tuple[str, ...], list[str]]:
    words: list[str] = []

    def said(command: list[str]) -> str:
        return f"Docker version {docker}, build a72d7cd" if command[0] == "dockerd" else ""

    found = write_specification(root / "cdi", say=words.append, root=root, machine=machine, said=said)
    return found, words


def test_a_driver_without_a_toolkit_gets_a_specification(tmp_path: Path) -> None:
    driver_in(tmp_path, DEBIAN)
    nodes_in(tmp_path, "nvidia0", "nvidiactl", "nvidia-uvm", minor=0)
    folders, words = written(tmp_path)
    assert folders == (*FOLDERS, str(tmp_path / "cdi"))
    assert devices_in([tmp_path / "cdi"]) == {f"nvidia.com/gpu={name}" for name in ("0", "GPU-0aa", "all")}
    assert words == [
        f"No container toolkit is here: the engine hands out NVIDIA H200 (driver {VERSION}) by {tmp_path}/cdi/{FILE}."
    ]


def test_one_that_is_there_is_used(tmp_path: Path) -> None:
    driver_in(tmp_path, DEBIAN)
    nodes_in(tmp_path, "nvidia0", "nvidiactl", minor=0)
    there = tmp_path / "etc/cdi"
    there.mkdir(parents=True)
    (there / "nvidia.json").write_text(json.dumps({"kind": "nvidia.com/gpu", "devices": [{"name": "0"}]}))
    stale = tmp_path / "cdi" / FILE
    stale.parent.mkdir()
    stale.write_text("{}")
    assert written(tmp_path) == (FOLDERS, [])
    assert not stale.exists()


def test_a_machine_without_a_card_needs_none(tmp_path: Path) -> None:
    assert written(tmp_path, BARE) == ((), [])
    assert not list(tmp_path.iterdir())


def test_an_engine_that_is_too_old_is_left_alone(tmp_path: Path) -> None:
    """It would not start with a setting that it does not know."""
    folders, (words,) = written(tmp_path, docker="20.10.24")
    assert folders == ()
    assert "CDI takes version 25 or later" in words


@pytest.mark.parametrize("nodes", [(), ("nvidia0",)])
def test_a_driver_that_cannot_be_found_is_said(tmp_path: Path, nodes: tuple[str, ...]) -> None:
    nodes_in(tmp_path, *nodes)
    folders, (words,) = written(tmp_path)
    assert folders == FOLDERS
    assert "libraries (libcuda.so.1) were not found" in words
