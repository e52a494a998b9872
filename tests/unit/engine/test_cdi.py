from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bakehouse.engine.cdi import devices_in, find_driver, specification
from bakehouse.engine.devices import Nvidia, nvidia_by
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.machine import Card

VERSION = "580.159.04"
H200 = Card(
    accelerator=AcceleratorName.CUDA,
    name="NVIDIA H200",
    address="0000:00:06.0",
    uuid="GPU-0aa",
    index=0,
    driver=VERSION,
)
DEBIAN = "usr/lib/x86_64-linux-gnu"


def driver_in(root: Path, folder: str, *, links: bool = True) -> Path:
    place = root / folder
    place.mkdir(parents=True)
    for name, link in (
        ("libcuda", "libcuda.so.1"),
        ("libnvidia-ml", "libnvidia-ml.so.1"),
        ("libnvidia-ptxjitcompiler", "libnvidia-ptxjitcompiler.so.1"),
        ("libnvidia-gpucomp", ""),
    ):
        file = place / f"{name}.so.{VERSION}"
        file.write_text("ELF")
        if link and links:
            (place / link).symlink_to(file.name)
    (place / "libm.so.6").write_text("not the driver's")
    return place


def nodes_in(root: Path, *names: str, minor: int | None = None, address: str = "0000:00:06.0") -> None:
    dev = root / "dev"
    dev.mkdir(exist_ok=True)
    for name in names:
        (dev / name).touch()
    if minor is not None:
        folder = root / "proc/driver/nvidia/gpus" / address
        folder.mkdir(parents=True)
        (folder / "information").write_text(f"Model: \t NVIDIA H200\nDevice Minor: \t {minor}\n")


def specified(root: Path, *cards: Card) -> dict[str, Any]:
    driver = find_driver(root)
    assert driver is not None
    found = specification(cards or (H200,), driver, platform="linux/amd64", root=root)
    assert found is not None
    return found


def test_a_card_and_what_its_driver_needs(tmp_path: Path) -> None:
    """As it was written by hand on a machine with an H200, where it worked."""
    place = driver_in(tmp_path, "usr/local/nvidia/lib64")
    nodes_in(tmp_path, "nvidia0", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", minor=0)
    found = specified(tmp_path)
    assert found["kind"] == "nvidia.com/gpu"
    node = str(tmp_path / "dev/nvidia0")
    assert {one["name"]: one["containerEdits"]["deviceNodes"] for one in found["devices"]} == {
        name: [{"path": node}] for name in ("0", "GPU-0aa", "all")
    }
    edits = found["containerEdits"]
    assert [Path(one["path"]).name for one in edits["deviceNodes"]] == ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools"]
    mounts = {Path(one["containerPath"]).name: one for one in edits["mounts"]}
    assert set(mounts) == {
        "libcuda.so.1",
        f"libcuda.so.{VERSION}",
        "libnvidia-ml.so.1",
        f"libnvidia-ml.so.{VERSION}",
        "libnvidia-ptxjitcompiler.so.1",
        f"libnvidia-ptxjitcompiler.so.{VERSION}",
        f"libnvidia-gpucomp.so.{VERSION}",
    }
    assert mounts["libcuda.so.1"]["hostPath"] == str(place / f"libcuda.so.{VERSION}")
    assert mounts["libcuda.so.1"]["containerPath"] == "/usr/lib/x86_64-linux-gnu/libcuda.so.1"
    assert "ro" in mounts["libcuda.so.1"]["options"]


def test_a_folder_that_lost_its_links_still_serves(tmp_path: Path) -> None:
    driver_in(tmp_path, DEBIAN, links=False)
    driver = find_driver(tmp_path)
    assert driver is not None
    assert driver.libraries["libcuda.so.1"].name == f"libcuda.so.{VERSION}"
    assert driver.libraries["libnvidia-ml.so.1"].name == f"libnvidia-ml.so.{VERSION}"


def test_where_the_loader_looks_first(tmp_path: Path) -> None:
    driver_in(tmp_path, "opt/driver")
    assert find_driver(tmp_path) is None
    listed = "\tlibcuda.so.1 (libc6,x86-64) => /opt/driver/libcuda.so.1\n\tlibcuda.so (libc6) => /x/libcuda.so\n"
    driver = find_driver(tmp_path, listed=listed)
    assert driver is not None
    assert driver.version == VERSION


def test_nodes_are_not_counted_as_nvml_counts(tmp_path: Path) -> None:
    driver_in(tmp_path, DEBIAN)
    nodes_in(tmp_path, "nvidia3", "nvidia7", "nvidiactl", minor=7)
    assert specified(tmp_path)["devices"][0]["containerEdits"]["deviceNodes"] == [
        {"path": str(tmp_path / "dev/nvidia7")}
    ]


def test_without_the_drivers_word_the_nodes_in_order(tmp_path: Path) -> None:
    driver_in(tmp_path, DEBIAN)
    nodes_in(tmp_path, "nvidia10", "nvidia2", "nvidiactl")
    second = Card(accelerator=AcceleratorName.CUDA, name="b", uuid="GPU-b", index=1)
    found = {one["name"]: one["containerEdits"]["deviceNodes"] for one in specified(tmp_path, H200, second)["devices"]}
    assert found["GPU-0aa"] == [{"path": str(tmp_path / "dev/nvidia2")}]
    assert found["1"] == [{"path": str(tmp_path / "dev/nvidia10")}]
    assert [one["path"] for one in found["all"]] == [str(tmp_path / f"dev/nvidia{n}") for n in (10, 2)]


def test_no_card_that_works_no_specification(tmp_path: Path) -> None:
    driver_in(tmp_path, DEBIAN)
    driver = find_driver(tmp_path)
    assert driver is not None
    (tmp_path / "dev").mkdir()
    assert specification([H200], driver, platform="linux/amd64", root=tmp_path) is None
    assert specification([H200], driver, platform="linux/riscv64", root=tmp_path) is None


@pytest.mark.parametrize("name", ["nvidia.json", "nvidia.yaml"])
def test_specifications_are_found_where_the_engine_looks(tmp_path: Path, name: str) -> None:
    said = {"cdiVersion": "0.6.0", "kind": "nvidia.com/gpu", "devices": [{"name": "0"}, {"name": "GPU-0aa"}, "x"]}
    (tmp_path / name).write_text(json.dumps(said))
    (tmp_path / "other.json").write_text(json.dumps(said | {"kind": "vendor.com/net"}))
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "notes.txt").write_text(json.dumps(said))
    assert devices_in([tmp_path, tmp_path / "missing"]) == {"nvidia.com/gpu=0", "nvidia.com/gpu=GPU-0aa"}


def test_docker_25_to_28_1_names_folders_only(tmp_path: Path) -> None:
    (tmp_path / "nvidia.json").write_text(json.dumps({"kind": "nvidia.com/gpu", "devices": [{"name": "0"}]}))
    info = {"Runtimes": {"runc": {}}, "CDISpecDirs": [str(tmp_path)]}
    assert nvidia_by(info) == Nvidia(cdi=frozenset({"nvidia.com/gpu=0"}))
    assert nvidia_by(info, is_here=False) == Nvidia(), "another machine's folders are not ours"
    assert nvidia_by(info | {"CDISpecDirs": []}) == Nvidia(), "the engine does not use CDI"
    assert nvidia_by(info | {"Runtimes": {"nvidia": {}}}) == Nvidia(), "the toolkit is there"
