"""Describe the machine that builds and measures, as the engine, this machine's kernel and its drivers know it."""

from __future__ import annotations

import platform
import re
from pathlib import Path

from bakehouse.engine.connection import Engine
from bakehouse.model.machine import Card, Machine
from bakehouse.model.report import Host


def describe_host(engine: Engine, machine: Machine, *, root: Path = Path("/")) -> Host:
    """The engine's machine. `machine` is this one: of an engine elsewhere, processor and cards stay unknown."""
    info = engine.info
    return Host(
        name=str(info.get("Name", platform.node())),
        os=str(info.get("OperatingSystem", platform.system())),
        kernel=str(info.get("KernelVersion", platform.release())),
        platform=engine.platform,
        cpu=cpu_name(root) if engine.is_here else "unknown (another machine)",
        cores=int(info.get("NCPU", 0)),
        memory_bytes=int(info.get("MemTotal", 0)),
        engine=f"Docker {engine.version} ({engine.kind})",
        buildx=engine.buildx,
        gpus=[_card_name(card) for card in machine.cards] if engine.is_here else [],
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


def _card_name(card: Card) -> str:
    """`NVIDIA GeForce RTX 5090 (32607 MiB, driver 575.57.08)`, with what is known of it."""
    facts = [f"{card.memory // 2**20} MiB" if card.memory else "", f"driver {card.driver}" if card.driver else ""]
    known = ", ".join(filter(None, facts))
    return f"{card.name} ({known})" if known else card.name
