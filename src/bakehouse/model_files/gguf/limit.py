"""How fast a device could be with a model: what it must do for a token, over what the device does in a second. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bakehouse.model.limit import Bound, CacheAtDepth, Limit, ModelWork
from bakehouse.model_files.gguf.tensor_types import TensorType
from bakehouse.model_files.gguf.work import F16, Work, depths


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What a server was told of a model's cache, and of its batches."""

    key: TensorType = F16
    value: TensorType = F16
    batch: int = 512
    """Tokens that are computed at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ceiling:
    value: float
    """Bytes or operations a second."""
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """What is known of a device. None: nothing."""

    memory: Ceiling | None = None
    compute: Ceiling | None = None


def limits_of(metric: str, settings: Mapping[str, Any], work: Work, device: Device, kept: Kept) -> list[Limit]:
    """The limits of a rate of pp or tg, the one that binds first; of other metrics, none.

    `settings`: those of the measurement, with the numbers of tokens.
    """
    if "kind" in settings:  # a load of many users: what they share of a batch is not known
        return []
    if metric == "decode_rate" and isinstance(tokens := settings.get("output_tokens"), int):
        depth = tokens / 2
        reads = work.weights + work.state + work.cache(depth, kept.key, kept.value)
        return allowed(device, reads=reads, operations=work.operations(depth))
    if metric == "prompt_rate" and isinstance(tokens := settings.get("prompt_tokens"), int):
        reads, operations = work.prompt_bytes(tokens, kept.batch) / tokens, work.prompt_operations(tokens) / tokens
        return allowed(device, reads=reads, operations=operations)
    return []


def model_work(name: str, work: Work, kept: Kept) -> ModelWork:
    """For a report."""
    found = [
        CacheAtDepth(tokens=depth, bytes=work.cache(depth, kept.key, kept.value))
        for depth in depths(work.header.number("context_length") or 0)
    ]
    return ModelWork(
        name=name,
        architecture=work.header.architecture,
        file_bytes=work.header.file_bytes,
        parameters=work.parameters,
        active_parameters=work.active_parameters,
        bytes_per_token=work.weights,
        state_bytes=work.state,
        cache_bytes=found,
        operations_per_prompt_token=2.0 * work.products,
    )


def allowed(device: Device, *, reads: float = 0.0, operations: float = 0.0) -> list[Limit]:
    """What a device allows of work that takes so many bytes and operations for each unit, what binds first."""
    found: list[Limit] = []
    pairs: list[tuple[Bound, float, Ceiling | None]] = [
        ("memory", reads, device.memory),
        ("compute", operations, device.compute),
    ]
    for by, needed, ceiling in pairs:
        if ceiling is not None and needed > 0:
            rate = ceiling.value / needed
            found.append(Limit(by=by, rate=rate, ceiling=ceiling.value, work=needed, source=ceiling.source))
    return sorted(found, key=lambda one: one.rate)
