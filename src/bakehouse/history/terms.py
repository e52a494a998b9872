"""The conditions that two measurements must share to be comparable, and the messages where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bakehouse.formatting import size
from bakehouse.model.history import GpuFacts, Hardware, Terms
from bakehouse.model.machine import Card
from bakehouse.model.report import Host

_SHOWN = 60
_WORDS = {
    "model_sha256": "model file",
    "memory_limit": "memory limit",
    "arguments": "server arguments",
    "recipe_arguments": "arguments of the recipe",
    "device": "device",
    "batch": "batch size",
    "clients": "number of clients",
    "arrivals": "requests a second",
}
"""Of settings, for people."""


def hardware(
    host: Host,
    cards: tuple[Card, ...] = (),
    *,
    device: str = "cpu",
    is_software: bool = False,
) -> Hardware:
    """The fingerprint of a machine. `cards`: those that were measured."""
    known = tuple(
        GpuFacts(
            name=card.name,
            memory_bytes=None if card.shared_memory else card.memory,
            driver=card.driver,
            power_limit_watts=card.power_limit,
            mig=" MIG " in f" {card.name} ",
        )
        for card in cards
    )
    return Hardware(
        host=host.name,
        platform=host.platform,
        cpu=host.cpu,
        cores=host.cores,
        memory_bytes=host.memory_bytes,
        kernel=host.kernel,
        engine=host.engine,
        device=device,
        is_software=is_software,
        gpus=known or tuple(GpuFacts(name=name) for name in host.gpus),
    )


def differences(ours: Terms, theirs: Terms) -> list[str]:
    """Why two measurements are not compared; empty: they may be. `ours` is named first."""
    found = [*_of_hardware(ours.hardware, theirs.hardware)]
    if ours.definitions != theirs.definitions:
        found.append(f"metric definitions {ours.definitions} and {theirs.definitions}")
    if ours.client != theirs.client:
        found.append(f"other client: {ours.client} and {theirs.client}")
    return [*found, *of_settings(ours.settings, theirs.settings)]


def remarks(ours: Terms, theirs: Terms) -> list[str]:
    """What differs and does not keep two measurements from being compared, but may explain a change."""
    pairs = (
        ("kernel", ours.hardware.kernel, theirs.hardware.kernel),
        ("engine", ours.hardware.engine, theirs.hardware.engine),
    )
    return [f"other {what}: {one} and {other}" for what, one, other in pairs if one != other]


def _of_hardware(ours: Hardware, theirs: Hardware) -> Iterator[str]:
    if ours.is_software != theirs.is_software:
        names = [one.device if one.is_software else f"a real card ({one.device})" for one in (ours, theirs)]
        yield f"{names[0]} against {names[1]}"
    elif ours.device != theirs.device:
        yield f"other device: {ours.device} and {theirs.device}"
    yield from _other("host", ours.host, theirs.host)
    yield from _other("platform", ours.platform, theirs.platform)
    yield from _other("CPU model", ours.cpu, theirs.cpu)
    yield from _other("number of cores", ours.cores, theirs.cores)
    if ours.memory_bytes != theirs.memory_bytes:
        yield f"other memory: {size(ours.memory_bytes)} and {size(theirs.memory_bytes)}"
    yield from _of_cards(ours.gpus, theirs.gpus)


def _of_cards(ours: tuple[GpuFacts, ...], theirs: tuple[GpuFacts, ...]) -> Iterator[str]:
    if len(ours) != len(theirs):
        yield f"{len(ours)} GPUs and {len(theirs)}"
        return
    for one, other in zip(ours, theirs, strict=True):
        yield from _other("GPU", one.name, other.name)
        yield from _other("GPU memory", size(one.memory_bytes), size(other.memory_bytes))
        yield from _other("driver", one.driver, other.driver)
        yield from _other("power limit (W)", one.power_limit_watts, other.power_limit_watts)
        yield from _other("MIG mode", one.mig, other.mig)


def of_settings(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted({*ours, *theirs}):
        one, other = ours.get(key), theirs.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            what = _WORDS.get(key, key)
            yield from (f"other {what}: {each}" for each in _changed(one, other))
        else:
            yield from _other(_WORDS.get(key, key), one, other)


def _changed(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    return [
        f"{key} {_short(ours.get(key))} and {_short(theirs.get(key))}"
        for key in sorted({*ours, *theirs})
        if ours.get(key) != theirs.get(key)
    ]


def _other(what: str, one: object, other: object) -> Iterator[str]:
    if one != other:
        yield f"other {what}: {_short(one)} and {_short(other)}"


def _short(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _SHOWN else f"{text[:12]}…"
