"""SPIR-V modules inside a library's data: code that the driver compiles for the card it finds.

Format: SPIR-V specification, section 2.3 (physical layout): five words, then instructions; OpCapability comes first.
"""

from __future__ import annotations

import struct
from collections import Counter

_MAGIC = 0x07230203.to_bytes(4, "little")
_HEADER = struct.Struct("<IIIIII")
"""Magic, version, generator, bound of the ids, a word that is 0, the first instruction."""
_OP_CAPABILITY = 2 << 16 | 17
_MOST_IDS = 0x3FFFFF
"""Universal limit of the specification, 2.17."""


def find_modules(data: bytes) -> Counter[str]:
    """`1.5` to the number of modules of that version. What only looks like a module is not counted."""
    found: Counter[str] = Counter()
    at = data.find(_MAGIC)
    while at >= 0:
        if version := _version(data, at):
            found[version] += 1
        at = data.find(_MAGIC, at + 4)
    return found


def _version(data: bytes, at: int) -> str | None:
    if at + _HEADER.size > len(data):
        return None
    _, version, _, bound, schema, first = _HEADER.unpack_from(data, at)
    major, minor = version >> 16, version >> 8 & 0xFF
    sane = version & 0xFF == 0 and major == 1 and 0 < bound <= _MOST_IDS and schema == 0 and first == _OP_CAPABILITY
    return f"{major}.{minor}" if sane else None
