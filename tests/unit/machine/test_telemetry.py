from __future__ import annotations

from pathlib import Path

from bakehouse.machine import Card
from bakehouse.machine.telemetry import held
from bakehouse.model.enums import AcceleratorName

from .machines import GIB, FakeGpu, FakeNvml

RADEON = Card(accelerator=AcceleratorName.ROCM, name="a", address="0000:03:00.0")
CLIENT = "drm-driver:\tamdgpu\ndrm-client-id:\t{id}\ndrm-pdev:\t{pdev}\n"


def fdinfo(proc: Path, number: int, text: str) -> None:
    path = proc / f"42/fdinfo/{number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_amd_and_intel_tell_in_fdinfo(tmp_path: Path) -> None:
    mine = CLIENT.format(id=7, pdev="0000:03:00.0") + "drm-memory-vram:\t2048 KiB\ndrm-resident-vram:\t1024 KiB\n"
    fdinfo(tmp_path, 5, mine)
    fdinfo(tmp_path, 6, mine)  # the same client twice
    fdinfo(tmp_path, 7, CLIENT.format(id=8, pdev="0000:03:00.0") + "drm-total-vram0:\t3 MiB\n")
    fdinfo(tmp_path, 8, CLIENT.format(id=9, pdev="0000:83:00.0") + "drm-memory-vram:\t9 GiB\n")
    fdinfo(tmp_path, 9, "pos:\t0\nflags:\t02\n")
    assert held(42, RADEON, proc=tmp_path) == 2**20 + 3 * 2**20


def test_a_process_without_the_card(tmp_path: Path) -> None:
    fdinfo(tmp_path, 5, "pos:\t0\n")
    assert held(42, RADEON, proc=tmp_path) is None
    assert held(43, RADEON, proc=tmp_path) is None


def test_nvidia_tells_by_nvml() -> None:
    card = Card(accelerator=AcceleratorName.CUDA, name="n", uuid="GPU-1")
    nvml = FakeNvml(FakeGpu(name="n", bus="", capability=(8, 6), processes={42: GIB}))
    assert held(42, card, nvml=nvml) == GIB
    assert held(42, card) is None
