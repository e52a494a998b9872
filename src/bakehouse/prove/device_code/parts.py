"""What a plugin holds for a GPU: pieces of native code and of PTX, in parts that stand for one source file each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class BrokenDeviceCodeError(ValueError):
    """Device code that no driver could load: cut off, or not what its header says. The image is wrong."""


class UnknownDeviceCodeError(ValueError):
    """Device code in a form that bakehouse does not know. It may be good: that cannot be told."""


class Form(StrEnum):
    NATIVE = "native"
    PTX = "ptx"


class Packing(StrEnum):
    """How a piece is compressed."""

    NONE = "none"
    LZ4 = "LZ4"
    """Every driver of CUDA 12 unpacks it."""
    ZSTD = "Zstandard"
    """NVIDIA's drivers unpack it from 550.54.14 on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Code for one arch."""

    form: Form
    code: str
    """As compilers are asked for it: `sm_120a`, `gfx90a:xnack-`."""
    size: int
    """Bytes as stored."""
    packing: Packing = Packing.NONE


Part = tuple[Piece, ...]
"""What one source file became. A driver chooses one piece of each: an arch that any part lacks does not work."""


def codes(parts: Sequence[Part], form: Form) -> Counter[str]:
    """Code to the number of parts that hold it. Empty parts, of files without kernels, are in none."""
    return Counter(code for part in parts for code in {piece.code for piece in part if piece.form is form})


def sizes(parts: Sequence[Part], form: Form) -> Counter[str]:
    """Code to its bytes."""
    found: Counter[str] = Counter()
    for part in parts:
        for piece in part:
            if piece.form is form:
                found[piece.code] += piece.size
    return found
