"""In which order two images are started, so that what drifts on the machine affects both alike."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def interleave(a: T, b: T, starts: int) -> list[T]:
    """`starts` of each: A B B A, then B A A B, and so on.

    Within each four a linear drift cancels out; turning every second one around also cancels a quadratic one (the
    Thue-Morse order). The last pair of an odd number stands alone.
    """
    order: list[T] = []
    for pair in range(starts):
        order += [a, b] if pair.bit_count() % 2 == 0 else [b, a]
    return order
