"""Describe the machine that builds and measures, as the engine and this machine's kernel know it."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bakehouse.engine.connection import Engine
from bakehouse.errors import InfrastructureError
from bakehouse.model.report import Host
from bakehouse.system import process

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "riscv64": "riscv64", "ppc64le": "ppc64le"}
"""From the kernel's names to those of OCI."""
VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
"""PCI vendors of GPUs."""

_ASKED = ("name", "memory.total", "driver_version")
_TIMEOUT = 30.0


def describe_host(engine: Engine, *, root: Path = Path("/")) -> Host:
    """Ask the engine; processor and GPUs are read here, and stay unknown where the engine is on another machine."""
    info = _info(engine.environment())
    here = info.get("Name", platform.node()) == platform.node()
    machine = str(info.get("Architecture", platform.machine()))
    return Host(
        name=str(info.get("Name", platform.node())),
        os=str(info.get("OperatingSystem", platform.system())),
        kernel=str(info.get("KernelVersion", platform.release())),
        platform=f"linux/{ARCHITECTURES.get(machine, machine)}",
        cpu=cpu_name(root) if here else "unknown (another machine)",
        cores=int(info.get("NCPU", 0)),
        memory_bytes=int(info.get("MemTotal", 0)),
        engine=f"Docker {engine.version} ({engine.kind})",
        buildx=engine.buildx,
        gpus=gpu_names(root) if here else [],
    )


def cpu_name(root: Path) -> str:
    """Return the processor's name; on arm64, where the kernel has none, its implementer and part."""
    try:
        text = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "unknown"
    fields = dict(re.findall(r"^([\w ]+?)\s*:\s*(.+?)\s*$", text, re.MULTILINE))
    if "model name" in fields:
        return str(fields["model name"])
    if "CPU part" in fields:
        return f"implementer {fields.get('CPU implementer', '?')} part {fields['CPU part']}"
    return platform.machine()


def gpu_names(root: Path) -> list[str]:
    """List the GPUs: NVIDIA's by the driver's own tool, others by what the kernel offers as render nodes."""
    nvidia = _nvidia()
    others = []
    for node in sorted((root / "sys/class/drm").glob("renderD*")):
        vendor, device = (_read(node / "device" / name) for name in ("vendor", "device"))
        if vendor in VENDORS and not (nvidia and VENDORS[vendor] == "NVIDIA"):
            others.append(f"{VENDORS[vendor]} {device}")
    return [*nvidia, *others]


def _nvidia() -> list[str]:
    if process.find("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", f"--query-gpu={','.join(_ASKED)}", "--format=csv,noheader"]
    try:
        said = process.run(query, timeout=_TIMEOUT, check=False)
    except InfrastructureError:
        return []
    if said.code != 0:
        return []
    rows = ([cell.strip() for cell in line.split(",")] for line in said.stdout.splitlines())
    return [f"{row[0]} ({row[1]}, driver {row[2]})" for row in rows if len(row) == len(_ASKED)]


def _info(environ: Mapping[str, str]) -> dict[str, Any]:
    said = process.run(["docker", "info", "--format", "{{json .}}"], env=environ, timeout=_TIMEOUT)
    try:
        info = json.loads(said.stdout)
    except json.JSONDecodeError:
        return {}
    return info if isinstance(info, dict) else {}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
