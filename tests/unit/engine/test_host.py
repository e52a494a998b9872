"""Describing this machine from made-up kernel files and an engine that is a script."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.engine.host import cpu_name, describe_host, gpu_names

INFO = {
    "Name": platform.node(),
    "OperatingSystem": "Debian GNU/Linux 13 (trixie)",
    "KernelVersion": "6.12.1",
    "Architecture": "aarch64",
    "NCPU": 20,
    "MemTotal": 128_000_000_000,
}


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr("bakehouse.system.process.SYSTEM_FOLDERS", "/nowhere")
    program(tmp_path / "nvidia-smi", "exit 9")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: A Fine CPU @ 3 GHz\n")
    return tmp_path


def engine() -> Engine:
    return Engine(kind="embedded", host="unix:///x", version="26.1.5", buildx="0.13.1", containerd_store=True)


def test_the_engine_says_what_it_runs_on(folder: Path) -> None:
    program(folder / "docker", f"echo '{json.dumps(INFO)}'")
    host = describe_host(engine(), root=folder)
    assert (host.platform, host.cores, host.memory_bytes) == ("linux/arm64", 20, 128_000_000_000)
    assert (host.os, host.kernel, host.cpu) == ("Debian GNU/Linux 13 (trixie)", "6.12.1", "A Fine CPU @ 3 GHz")
    assert (host.engine, host.buildx, host.gpus) == ("Docker 26.1.5 (embedded)", "0.13.1", [])


def test_the_processor_of_another_machine_is_not_ours(folder: Path) -> None:
    program(folder / "docker", f"echo '{json.dumps(INFO | {'Name': 'gpu-box'})}'")
    host = describe_host(engine(), root=folder)
    assert (host.name, host.cpu, host.gpus) == ("gpu-box", "unknown (another machine)", [])


def test_an_arm_processor_has_a_part_instead_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor : 0\nCPU implementer : 0x41\nCPU part : 0xd4f\n")
    assert cpu_name(tmp_path) == "implementer 0x41 part 0xd4f"


def test_a_kernel_that_says_nothing_is_no_error(tmp_path: Path) -> None:
    assert cpu_name(tmp_path) == "unknown"


def test_nvidia_cards_are_named_by_their_driver_and_others_by_the_kernel(folder: Path) -> None:
    program(folder / "nvidia-smi", "echo 'NVIDIA GeForce RTX 5090, 32607 MiB, 575.57.08'")
    for node, vendor, device in (("renderD128", "0x10de", "0x2b85"), ("renderD129", "0x1002", "0x744c")):
        path = folder / "sys/class/drm" / node / "device"
        path.mkdir(parents=True)
        (path / "vendor").write_text(f"{vendor}\n")
        (path / "device").write_text(f"{device}\n")
    assert gpu_names(folder) == ["NVIDIA GeForce RTX 5090 (32607 MiB, driver 575.57.08)", "AMD 0x744c"]


def test_a_driver_that_fails_leaves_what_the_kernel_sees(folder: Path) -> None:
    path = folder / "sys/class/drm/renderD128/device"
    path.mkdir(parents=True)
    (path / "vendor").write_text("0x10de\n")
    (path / "device").write_text("0x2b85\n")
    assert gpu_names(folder) == ["NVIDIA 0x2b85"]
