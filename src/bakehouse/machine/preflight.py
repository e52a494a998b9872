"""Whether a machine has what a server will need: rules on facts that the caller has read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from bakehouse.formatting import size
from bakehouse.model.machine import Card
from bakehouse.model_files.finding import ModelFinding, error, ok, warning

UTILIZATION = 0.9
"""vLLM's default of `--gpu-memory-utilization`."""
RESERVE = 6 * 2**30
"""Bytes of unified memory for everything but the server: the system, a desktop, the server's own processes."""
OVERHEAD = 1.1
"""What a server needs at least beside the weights: a KV cache, activations, graphs."""
DROP_CACHES = "sync; echo 3 | sudo tee /proc/sys/vm/drop_caches"


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Of the machine, in bytes, as /proc/meminfo has it."""

    total: int
    free: int
    """Used for nothing. CUDA counts page cache as used."""
    available: int
    """Free once the page cache is dropped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreflightFacts:
    platform: str
    """`linux/arm64`."""
    card: Card | None
    memory: Memory | None
    card_platform: str | None = None
    """Of the machines with such cards, by the catalogue."""
    first_driver: str | None = None
    """The oldest driver that knows the card, by the catalogue."""
    toolkit_driver: str | None = None
    """The oldest driver that runs the server's code: 580 for CUDA 13."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    utilization: float | None = None
    """Share of the card's memory; None: the server's default."""
    weight_bytes: int | None = None


def look(facts: PreflightFacts, demand: Demand) -> tuple[ModelFinding, ...]:
    """Everything that was found, worst first."""
    found = [*_card(facts), *_driver(facts), *_platform(facts), *_memory(facts, demand)]
    return tuple(sorted(found, key=lambda one: ("error", "warning", "ok").index(one.severity)))


def _card(facts: PreflightFacts) -> Iterator[ModelFinding]:
    if facts.card is None:
        yield error("this machine has no card that the server could use", "bakehouse plan says what it found.")
    elif facts.card.problem:
        yield error(f"{facts.card.name} cannot be used: {facts.card.problem}")
    else:
        yield ok(facts.card.describe())


def _driver(facts: PreflightFacts) -> Iterator[ModelFinding]:
    if facts.card is None or facts.card.driver is None:
        return
    wanted = [version for version in (facts.first_driver, facts.toolkit_driver) if version]
    oldest = max(wanted, key=_version, default=None)
    if oldest is None:
        return
    if _version(facts.card.driver) < _version(oldest):
        why = "knows this card" if oldest == facts.first_driver else "runs this code"
        yield error(f"driver {facts.card.driver} is older than {oldest}, the first that {why}", "Update the driver.")
    else:
        yield ok(f"driver {facts.card.driver} is {oldest} or newer")


def _platform(facts: PreflightFacts) -> Iterator[ModelFinding]:
    if facts.card_platform and facts.card_platform != facts.platform:
        yield warning(
            f"this machine is {facts.platform}, and machines with such a card are {facts.card_platform}",
            f"Take an image for {facts.platform}; one for another platform runs emulated, or not at all.",
        )
    else:
        yield ok(f"images for {facts.platform} run here")


def _memory(facts: PreflightFacts, demand: Demand) -> Iterator[ModelFinding]:
    if facts.card is None:
        return
    shared = facts.card.shared_memory
    total = facts.memory.total if shared and facts.memory else facts.card.memory
    share = UTILIZATION if demand.utilization is None else demand.utilization
    if total is None:
        yield warning("the card's memory is unknown, so that no share of it could be judged")
        return
    if shared and facts.memory:
        yield from _unified(facts.memory, share, is_said=demand.utilization is not None)
    if demand.weight_bytes:
        yield from _weights(demand.weight_bytes, share, total)


def _unified(memory: Memory, share: float, *, is_said: bool) -> Iterator[ModelFinding]:
    """The share is of all memory, and must be free when the server starts: vLLM ends with a ValueError otherwise."""
    wanted = round(share * memory.total)
    named = f"--gpu-memory-utilization {share:g}" + ("" if is_said else ", vLLM's default,")
    asks = f"{named} asks for {size(wanted)} of the {size(memory.total)} that processor and card share"
    most, now = _share(memory.available - RESERVE, memory.total), _share(memory.free - RESERVE / 2, memory.total)
    if wanted > memory.available - RESERVE:
        yield error(
            f"{asks}; {size(memory.available)} are available, and the system needs about {size(RESERVE)} of them",
            f"Say --gpu-memory-utilization {most:.2f} or less, or stop what uses the rest." if most > 0 else
            "Stop what uses the memory: nothing is left for a server.",
        )  # fmt: skip
    elif wanted > memory.free:
        lower = f", or say --gpu-memory-utilization {now:.2f}" if now > 0 else ""
        yield error(
            f"{asks}; only {size(memory.free)} are free now, because page cache counts as used",
            f"Drop it before the start ({DROP_CACHES}){lower}.",
        )
    else:
        yield ok(f"{asks}; {size(memory.free)} are free")


def _weights(weights: int, share: float, total: int) -> Iterator[ModelFinding]:
    given, needed = round(share * total), round(weights * OVERHEAD)
    if needed > given:
        least = math.ceil(100 * needed / total) / 100
        advice = f"Say --gpu-memory-utilization {least:.2f} or more." if least <= 1 else "Take a smaller model."
        yield error(f"the weights are {size(weights)}, and the server may take {size(given)}", advice)
    else:
        yield ok(f"the weights are {size(weights)}; {size(given - weights)} remain for the KV cache and the rest")


def _share(part: float, total: int) -> float:
    """Rounded down to hundredths."""
    return math.floor(100 * part / total) / 100


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")
