from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.engine.devices import CPU, visible
from bakehouse.model.words import AcceleratorName


def nodes(dev: Path, *names: str) -> Path:
    for name in names:
        (dev / name).parent.mkdir(parents=True, exist_ok=True)
        (dev / name).touch()
    return dev


def test_the_cpu_is_always_there(tmp_path: Path) -> None:
    assert visible(AcceleratorName.CPU, dev=tmp_path) == CPU


@pytest.mark.parametrize("accelerator", [name for name in AcceleratorName if name is not AcceleratorName.CPU])
def test_a_bare_machine_has_no_accelerator(tmp_path: Path, accelerator: AcceleratorName) -> None:
    assert visible(accelerator, dev=tmp_path) is None


@pytest.mark.parametrize("node", ["nvidia0", "nvidiactl", "dxg"])
def test_cuda(tmp_path: Path, node: str) -> None:
    found = visible(AcceleratorName.CUDA, dev=nodes(tmp_path, node))
    assert found is not None
    assert (found.gpus, found.lease, found.nodes) == ("device=0", "gpu-0", ())


def test_rocm_needs_the_compute_node_too(tmp_path: Path) -> None:
    assert visible(AcceleratorName.ROCM, dev=nodes(tmp_path, "dri/renderD128")) is None
    found = visible(AcceleratorName.ROCM, dev=nodes(tmp_path, "kfd", "dri/renderD129"))
    assert found is not None
    assert found.nodes == (f"{tmp_path}/kfd", f"{tmp_path}/dri/renderD128")
    assert found.groups == (str((tmp_path / "kfd").stat().st_gid),)


@pytest.mark.parametrize("accelerator", [AcceleratorName.XPU, AcceleratorName.VULKAN])
def test_xpu_and_vulkan(tmp_path: Path, accelerator: AcceleratorName) -> None:
    found = visible(accelerator, dev=nodes(tmp_path, "dri/renderD128", "dri/card0"))
    assert found is not None
    assert found.nodes == (f"{tmp_path}/dri/renderD128",)
