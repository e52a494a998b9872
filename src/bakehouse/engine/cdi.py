"""Devices by CDI, the Container Device Interface: which specifications there are, and one of our own where none is.

Docker takes specifications since 25 (`features.cdi`) and lists their devices in `docker info` since 28.2; in between
it says in which folders it looks, and we look there, too. https://github.com/cncf-tags/container-device-interface
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bakehouse.machine.bus import number, read
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.machine import Card

KIND = "nvidia.com/gpu"
FOLDERS = ("/etc/cdi", "/var/run/cdi")
"""Where engines look by default."""
_VERSION = "0.5.0"
"""The oldest that has all we use, so that every engine with CDI reads it."""
_SHARED = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")
"""Nodes that every container with a card needs, where the driver has them."""
_SUFFIXES = (".json", ".yaml", ".yml")
_PLACES = (
    "usr/local/nvidia/lib64",
    "usr/local/nvidia/lib",
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "usr/lib64",
    "usr/lib/wsl/lib",
    "usr/lib",
)
"""Where drivers lie: in containers of cluster providers, Debian, Fedora, WSL."""
_INSIDE = {"linux/amd64": "/usr/lib/x86_64-linux-gnu", "linux/arm64": "/usr/lib/aarch64-linux-gnu"}
"""Where the loader of a Debian or Ubuntu image looks without being told."""
_LISTED = re.compile(r"^\s*libcuda\.so\.1 \(.*\) => (\S+)$", re.MULTILINE)
"""A line of `ldconfig -p`."""
_OPTIONS = ["ro", "nosuid", "nodev", "bind"]
_SETTINGS = ("etc/vulkan/icd.d/nvidia_icd.json", "usr/share/vulkan/icd.d/nvidia_icd.json")
"""What tells the Vulkan loader of the driver."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Driver:
    """The user's part of NVIDIA's driver on this machine."""

    version: str
    """`580.159.04`"""
    libraries: Mapping[str, Path]
    """By the name under which programs ask for one: the file."""


def devices_in(folders: Iterable[Path]) -> frozenset[str]:
    """Full names of NVIDIA's devices in the specifications there: `nvidia.com/gpu=0`; unreadable ones are left out."""
    found: set[str] = set()
    for path in sorted(path for folder in folders for path in folder.glob("*") if path.suffix in _SUFFIXES):
        said = _parsed(path)
        kind, devices = said.get("kind"), said.get("devices")
        if kind == KIND and isinstance(devices, list):
            found |= {f"{kind}={one['name']}" for one in devices if isinstance(one, dict) and "name" in one}
    return frozenset(found)


def find_driver(root: Path, *, listed: str = "") -> Driver | None:
    """The driver's libraries of this machine; None where there are none. `listed`: what `ldconfig -p` says."""
    for folder in _folders(root, listed):
        for library in sorted(folder.glob("libcuda.so.*")):
            version = library.name.removeprefix("libcuda.so.")
            if re.fullmatch(r"\d{3,}\.\d+(?:\.\d+)?", version) and library.is_file():
                return Driver(version=version, libraries=_libraries(folder, version))
    return None


def specification(
    cards: Sequence[Card], driver: Driver, *, platform: str, root: Path = Path("/")
) -> dict[str, Any] | None:
    """For NVIDIA's cards of this machine; None where a container could be given none."""
    dev, inside = root / "dev", _INSIDE.get(platform)
    nodes = {card.uuid or str(card.index): node for card in cards if (node := _node(card, root)) is not None}
    if inside is None or not nodes:
        return None
    devices: list[dict[str, Any]] = []
    for card in cards:
        if (node := nodes.get(card.uuid or str(card.index))) is not None:
            names = [str(name) for name in (card.index, card.uuid) if name is not None]
            devices += [_device(name, [node]) for name in names]
    devices.append(_device("all", sorted(set(nodes.values()))))
    mounts = [_mount(path, f"{inside}/{name}") for name, path in sorted(driver.libraries.items())]
    mounts += [_mount(root / path, f"/{path}") for path in _SETTINGS if (root / path).is_file()]
    shared = [str(dev / name) for name in _SHARED if (dev / name).exists()]
    edits = {"deviceNodes": [{"path": node} for node in shared], "mounts": mounts}
    return {"cdiVersion": _VERSION, "kind": KIND, "devices": devices, "containerEdits": edits}


def _folders(root: Path, listed: str) -> list[Path]:
    found = [root / place.lstrip("/") for place in _LISTED.findall(listed)]
    return list(dict.fromkeys([*(path.parent for path in found), *(root / place for place in _PLACES)]))


def _libraries(folder: Path, version: str) -> dict[str, Path]:
    """All that are of this version, under their own names and those of the links to them (`libcuda.so.1`)."""
    files = {path.resolve(): path for path in folder.glob(f"lib*.so.{version}") if path.is_file()}
    found = {path.name: real for real, path in files.items()}
    for link in folder.glob("lib*.so*"):
        if link.is_symlink() and (real := link.resolve()) in files:
            found[link.name] = real
    if "libcuda.so.1" not in found:  # a folder that was copied without its links
        found["libcuda.so.1"] = found[f"libcuda.so.{version}"]
    if f"libnvidia-ml.so.{version}" in found:
        found.setdefault("libnvidia-ml.so.1", found[f"libnvidia-ml.so.{version}"])
    if f"libnvidia-ptxjitcompiler.so.{version}" in found:
        found.setdefault("libnvidia-ptxjitcompiler.so.1", found[f"libnvidia-ptxjitcompiler.so.{version}"])
    return found


def _node(card: Card, root: Path) -> str | None:
    """Its device node. The driver's numbers of nodes are not those by which NVML counts."""
    if card.accelerator is not AcceleratorName.CUDA or card.problem is not None:
        return None
    said = read(root / "proc/driver/nvidia/gpus" / (card.address or "-") / "information")
    minor = next((number(line.partition(":")[2].strip()) for line in said.splitlines() if "Minor" in line), None)
    if minor is not None and (node := root / f"dev/nvidia{minor}").exists():
        return str(node)
    there = sorted((root / "dev").glob("nvidia[0-9]*"), key=lambda path: number(path.name.removeprefix("nvidia")) or 0)
    index = card.index or 0
    if index < len(there):
        return str(there[index])
    return str(root / "dev/dxg") if (root / "dev/dxg").exists() else None


def _device(name: str, nodes: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "containerEdits": {"deviceNodes": [{"path": node} for node in nodes]}}


def _mount(here: Path, there: str) -> dict[str, Any]:
    return {"hostPath": str(here), "containerPath": there, "options": _OPTIONS}


def _parsed(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        said = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return said if isinstance(said, dict) else {}
