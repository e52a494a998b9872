from __future__ import annotations

import os
from pathlib import Path

import pytest

from bakehouse.engine.owner import Standing, identity, standing

BOOT = "sys/kernel/random/boot_id"


def fake_proc(
    root: Path, *, boot: str = "b1", namespace: str = "4026531836", start: str = "777", state: str = "S"
) -> Path:
    (root / BOOT).parent.mkdir(parents=True)
    (root / BOOT).write_text(f"{boot}\n", encoding="utf-8")
    (root / "self/ns").mkdir(parents=True)
    (root / "self/ns/pid").symlink_to(f"pid:[{namespace}]")
    (root / "42").mkdir()
    fields = [state, *("0" for _ in range(18)), start]
    (root / "42/stat").write_text(f"42 (odd) name) {' '.join(fields)} 0 0\n", encoding="utf-8")
    return root


def test_this_process_is_alive() -> None:
    assert identity().startswith(f"{os.getpid()}:")
    assert standing(identity()) is Standing.ALIVE


def test_the_text_tells_boot_namespace_and_start(tmp_path: Path) -> None:
    proc = fake_proc(tmp_path)
    assert identity(42, proc=proc) == "42:b1/4026531836/777"
    assert standing("42:b1/4026531836/777", proc=proc) is Standing.ALIVE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("42:b1/4026531836/776", Standing.DEAD),
        ("43:b1/4026531836/777", Standing.DEAD),
        ("42:b0/4026531836/777", Standing.EARLIER_BOOT),
        ("42:b1/4026531999/777", Standing.UNKNOWN),
        ("", Standing.UNKNOWN),
        ("42", Standing.UNKNOWN),
        ("x:b1/4026531836/777", Standing.UNKNOWN),
    ],
    ids=["pid used again", "no such process", "earlier boot", "other namespace", "empty", "pid only", "no number"],
)
def test_others_are_told_apart(tmp_path: Path, text: str, expected: Standing) -> None:
    assert standing(text, proc=fake_proc(tmp_path)) is expected


def test_a_zombie_is_dead(tmp_path: Path) -> None:
    assert standing("42:b1/4026531836/777", proc=fake_proc(tmp_path, state="Z")) is Standing.DEAD
