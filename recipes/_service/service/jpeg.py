"""How often a JPEG makes its decoder go over all pixels, told by its markers alone (ITU-T T.81, annex B)."""

from __future__ import annotations

import re

START, SCAN, END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
FEW = 16
"""So many are not looked at more closely."""
_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)
"""The next one behind a scan, where 0xff is followed by 0 in data, and by d0 to d7 where decoders may restart."""


def scans_of(content: bytes) -> int:
    """Scans of a JPEG, 0 of anything else. What cameras put into segments or behind the picture is none."""
    if not content.startswith(START) or (most := content.count(SCAN)) <= FEW:
        return most if content.startswith(START) else 0
    found, at = 0, len(START)
    while (marker := _MARKER.match(content, at)) and marker[0][-2:] != END:
        at = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2])
        if marker[0][-2:] == SCAN:
            found += 1
            behind = _MARKER.search(content, at)
            at = behind.start() if behind else len(content)
    return found
