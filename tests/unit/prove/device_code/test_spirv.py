from __future__ import annotations

import struct

import pytest

from bakehouse.prove.device_code.spirv import find_modules
from tests.unit.prove.cards import SPIRV


def test_modules_are_counted_by_version_wherever_they_lie() -> None:
    newer = SPIRV[:4] + struct.pack("<I", 0x00010600) + SPIRV[8:]
    assert find_modules(b"data" + SPIRV + b"\0" + newer + SPIRV) == {"1.5": 2, "1.6": 1}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        (1, 0x00020000),  # version 2 does not exist
        (1, 0x00010501),  # the lowest byte is 0
        (3, 0),  # no ids
        (3, 1 << 23),  # more ids than the specification allows
        (4, 1),  # reserved
        (5, 2 << 16 | 14),  # OpMemoryModel cannot come first
    ],
)
def test_what_only_begins_like_a_module_is_none(word: int, value: int) -> None:
    words = list(struct.unpack("<7I", SPIRV))
    words[word] = value
    assert find_modules(struct.pack("<7I", *words)) == {}


def test_a_header_that_is_cut_off_is_none() -> None:
    assert find_modules(SPIRV[:20]) == {}
