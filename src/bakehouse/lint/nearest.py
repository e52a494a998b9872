"""Suggests what a person may have meant: `Perhaps WITH_CUDA_GRAPHS?`"""

from __future__ import annotations

from collections.abc import Iterable

from bakehouse.config.suggest import closest

CLOSE = 0.82
"""Below this, names of options share a prefix and nothing else."""
ONE_LETTER = 0.87
"""Of a prefix and one short word: KUDA is CUDA, ZLUDA is something else."""


def nearest(name: str, known: Iterable[str], *, close: float = CLOSE) -> str:
    """`NAME, if that is what was meant`, or nothing."""
    found = closest(name, known, cutoff=close)
    return f"{found}, if that is what was meant" if found else ""
