"""How near a rate is to what its device allows, in words."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bakehouse.formatting import flow, quantity, singular
from bakehouse.model.limit import Limit, ModelWork
from bakehouse.model.report import CellReport, Measurement

_BILLION, _MILLION = 1e9, 1e6
_BEYOND = 1.02
"""Share from which on the ceiling, not the rate, must be doubted."""


def share(measurement: Measurement) -> float | None:
    """Of the limit that binds; None where there is no limit, or no figure."""
    if not measurement.limits or not measurement.counted:
        return None
    return statistics.median(measurement.counted) / measurement.limits[0].rate


def words(measurement: Measurement) -> str:
    """`26 % of what this card's memory allows`; empty where nothing is known."""
    found = share(measurement)
    if found is None:
        return ""
    return f"{percent(found)} of {allowed(measurement)}"


def allowed(measurement: Measurement) -> str:
    """`what this card's memory allows`; of arithmetic with its width, because narrower numbers can be faster.

    A processor's is measured in single precision, a card's is its data sheet's in 16 bits.
    """
    device, width = ("processor", 32) if measurement.settings.get("device") == "cpu" else ("card", 16)
    of_memory = measurement.limits[0].by == "memory"
    return f"what this {device}'s {'memory' if of_memory else f'{width}-bit arithmetic'} allows"


def details(measurement: Measurement) -> Iterator[str]:
    """Each limit, what binds first: `memory: 1,140 t/s (4.20 GB for each token at 4.80 TB/s, data sheet of h200)`."""
    unit, what = measurement.unit, singular(measurement.unit.removesuffix("/s"))
    for one in measurement.limits:
        yield f"{one.by}: {quantity(one.rate, unit)} ({_needed(one)} for each {what} at {_reached(one)}, {one.source})"
    if (found := share(measurement)) is not None and found > _BEYOND:
        yield "faster than the device was measured to be: caches hold part of the model, or others slowed the measuring"


def lines(cell: CellReport) -> Iterator[str]:
    """`pp512 221 t/s: 31 % of what this processor's 32-bit arithmetic allows`; what binds several is named once."""
    found: dict[str, list[str]] = {}
    for one in cell.measurements:
        if (part := share(one)) is not None:
            rate = quantity(statistics.median(one.counted), one.unit)
            found.setdefault(allowed(one), []).append(f"{one.workload} {rate}: {percent(part)}")
    for what, rates in found.items():
        yield f"{', '.join(rates)} of {what}"


def model_words(model: ModelWork) -> str:
    """What a model takes for each token, in one line."""
    parts = [f"{model.name} ({model.architecture}, {_count(model.parameters)} parameters)"]
    if model.active_parameters < 0.95 * model.parameters:
        parts.append(f"{_count(model.active_parameters)} of them for each token")
    parts.append(f"reads {flow(float(model.bytes_per_token), 'B')} a token")
    parts += [f"and {flow(one.bytes, 'B')} of {one.tokens:,} tokens before it" for one in model.cache_bytes[:2]]
    if model.state_bytes:
        parts.append(f"and {flow(float(model.state_bytes), 'B')} of state")
    parts.append(f"{flow(model.operations_per_prompt_token, 'FLOP')} a prompt token")
    return ", ".join(parts)


def percent(share: float) -> str:
    return f"{share * 100:.2g} %" if share < 0.995 else f"{share * 100:.0f} %"  # noqa: PLR2004 - 99.5 rounds to 1e+02


def _needed(limit: Limit) -> str:
    return flow(limit.work, "B" if limit.by == "memory" else "FLOP")


def _reached(limit: Limit) -> str:
    return flow(limit.ceiling, "B/s" if limit.by == "memory" else "FLOP/s")


def _count(number: int) -> str:
    if number >= _BILLION:
        return f"{number / _BILLION:.3g} billion"
    return f"{number / _MILLION:.3g} million"
