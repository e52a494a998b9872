"""Which of two Debian versions is older. Pure.

https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
"""

from __future__ import annotations

import re

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")


def is_older(one: str, other: str) -> bool:
    return _key(one) < _key(other)


def _key(version: str) -> tuple[int, list[tuple[list[int], int]], list[tuple[list[int], int]]]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    return int(epoch) if epoch.isdigit() else 0, _pieces(upstream), _pieces(revision)


def _pieces(text: str) -> list[tuple[list[int], int]]:
    """Letters and numbers in turn. `~` is before the end of the text, that before letters, and these before others."""
    found = []
    for letters, digits in _PARTS.findall(text):
        if not letters and not digits:
            continue
        found.append(([*map(_weight, letters), 0], int(digits or 0)))
    return [*found, ([0], 0)]


def _weight(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256
