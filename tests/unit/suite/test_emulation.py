from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.suite.emulation import REGISTERED, why_not

ENTRY = "enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: {flags}\noffset 0\nmagic 7f454c46\n"


def register(root: Path, text: str) -> None:
    folder = root / REGISTERED
    folder.mkdir(parents=True)
    (folder / "qemu-aarch64").write_text(text)


def test_the_machines_own_platform_always_runs(tmp_path: Path) -> None:
    assert why_not("linux/arm64", own="linux/arm64", root=tmp_path) is None


def test_an_emulator_that_containers_can_reach_runs_another(tmp_path: Path) -> None:
    register(tmp_path, ENTRY.format(flags="OCF"))
    assert why_not("linux/arm64", own="linux/amd64", root=tmp_path) is None


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (None, "no emulator registered for it (qemu-aarch64)"),
        (ENTRY.format(flags="OC"), "without the flag F"),
        (ENTRY.format(flags="OCF").replace("enabled", "disabled"), "is disabled (qemu-aarch64)"),
    ],
)
def test_why_nothing_of_another_platform_runs(tmp_path: Path, entry: str | None, reason: str) -> None:
    if entry:
        register(tmp_path, entry)
    said = why_not("linux/arm64", own="linux/amd64", root=tmp_path)
    assert said is not None
    assert said.startswith("the image is for linux/arm64, and this machine")
    assert reason in said
