"""An image's layers, largest first, as shares of one bar."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bakehouse.model.report import Layer
from bakehouse.reporters.html.timeline import shorten

_ARGUMENTS = re.compile(r"^\|\d+\s+(?:\S+=\S*\s+)*")
_TRAILER = re.compile(r"\s*#\s*buildkit\s*$")
_LABEL_FROM = 4.0
_LEAST_SHARE = 0.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """A layer's place in the bar (per cent) and its line in the list."""

    number: int
    x: float
    width: float
    shade: int
    """0 to 4: neighbours differ."""
    has_label: bool
    created_by: str
    full: str
    bytes_unpacked: int
    bytes_compressed: int
    share: float


def slices(layers: list[Layer]) -> tuple[Slice, ...]:
    """Layers of no size are in the list, not in the bar."""
    total = sum(max(0, layer.bytes_unpacked) for layer in layers)
    ordered = sorted(layers, key=lambda layer: -layer.bytes_unpacked)
    found: list[Slice] = []
    x = 0.0
    for number, layer in enumerate(ordered, start=1):
        share = max(0, layer.bytes_unpacked) / total if total else 0.0
        width = round(share * 100, 3)
        found.append(
            Slice(
                number=number,
                x=round(x, 3),
                width=width if width >= _LEAST_SHARE else 0.0,
                shade=(number - 1) % 5,
                has_label=width >= _LABEL_FROM,
                created_by=instruction(layer.created_by),
                full=layer.created_by,
                bytes_unpacked=layer.bytes_unpacked,
                bytes_compressed=layer.bytes_compressed,
                share=share,
            )
        )
        x += width
    return tuple(found)


def instruction(created_by: str) -> str:
    """`RUN |1 A=b /bin/sh -c apt-get install x # buildkit` gives `RUN apt-get install x`."""
    words = _TRAILER.sub("", " ".join(created_by.split()))
    if words.startswith("RUN "):
        words = "RUN " + _ARGUMENTS.sub("", words.removeprefix("RUN "))
    return shorten(_ARGUMENTS.sub("", words), most=100) or "(not recorded)"
