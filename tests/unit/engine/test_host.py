"""Describing this machine from made-up kernel files and the answers of an engine."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import pytest

from bakehouse.engine.connection import ARCHITECTURES, Engine
from bakehouse.engine.host import cpu_name, describe_host
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.machine import Card, Machine

INFO = {
    "Name": platform.node(),
    "OperatingSystem": "Debian GNU/Linux 13 (trixie)",
    "KernelVersion": "6.12.1",
    "Architecture": "aarch64",
    "NCPU": 20,
    "MemTotal": 128_000_000_000,
}


CARD = Card(accelerator=AcceleratorName.CUDA, name="NVIDIA GeForce RTX 5090", memory=32607 * 2**20, driver="575.57.08")
OTHER = Card(accelerator=AcceleratorName.ROCM, name="1002:744c")
MACHINE = Machine(platform="linux/arm64", cores=20, cards=(CARD, OTHER))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: A Fine CPU @ 3 GHz\n")
    return tmp_path


def engine(**info: object) -> Engine:
    return Engine(
        kind="embedded",
        host="unix:///x",
        version="26.1.5",
        buildx="0.13.1",
        containerd_store=True,
        info=INFO | info,
    )


def test_the_engine_says_what_it_runs_on(root: Path) -> None:
    host = describe_host(engine(), replace(MACHINE, cards=()), root=root)
    assert (host.platform, host.cores, host.memory_bytes) == ("linux/arm64", 20, 128_000_000_000)
    assert (host.os, host.kernel, host.cpu) == ("Debian GNU/Linux 13 (trixie)", "6.12.1", "A Fine CPU @ 3 GHz")
    assert (host.engine, host.buildx, host.gpus) == ("Docker 26.1.5 (embedded)", "0.13.1", [])


def test_the_processor_and_the_cards_of_another_machine_are_not_ours(root: Path) -> None:
    host = describe_host(engine(Name="gpu-box"), MACHINE, root=root)
    assert (host.name, host.cpu, host.gpus) == ("gpu-box", "unknown (another machine)", [])


def test_cards_are_named_as_the_detector_knows_them(root: Path) -> None:
    assert describe_host(engine(), MACHINE, root=root).gpus == [
        "NVIDIA GeForce RTX 5090 (32607 MiB, driver 575.57.08)",
        "1002:744c",
    ]


def test_an_engine_that_was_not_asked_is_taken_for_one_of_this_machine() -> None:
    bare = replace(engine(), info={})
    assert bare.is_here
    assert bare.platform == f"linux/{ARCHITECTURES.get(platform.machine(), platform.machine())}"


def test_an_arm_processor_has_a_part_instead_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor : 0\nCPU implementer : 0x41\nCPU part : 0xd4f\n")
    assert cpu_name(tmp_path) == "implementer 0x41 part 0xd4f"


def test_a_kernel_that_says_nothing_is_no_error(tmp_path: Path) -> None:
    assert cpu_name(tmp_path) == "unknown"
