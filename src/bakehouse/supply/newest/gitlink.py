"""Which commit a submodule of a source distribution is at: its git index says it, where the archive carries one. Pure.

The format: https://git-scm.com/docs/index-format, versions 2 and 3. Git itself is not asked: its settings would come
out of the archive, too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

GITLINK = 0o160000
"""The mode of a submodule."""
_HEADER = struct.Struct(">4sII")
_FIXED = 62
_MODE, _HASH, _FLAGS = slice(24, 28), slice(40, 60), slice(60, 62)
_EXTENDED = 0x4000
_VERSIONS = (2, 3)


def commit_of(index: bytes, path: str) -> str | None:
    """The commit of the submodule at `path`. None: there is none, or the index cannot be read."""
    try:
        return next((commit for name, mode, commit in _entries(index) if name == path and mode == GITLINK), None)
    except (struct.error, ValueError):
        return None


def _entries(index: bytes) -> Iterator[tuple[str, int, str]]:
    """Path, mode and hash of each entry. Raises ValueError for another format."""
    signature, version, count = _HEADER.unpack_from(index)
    if signature != b"DIRC" or version not in _VERSIONS:
        raise ValueError("no git index of a known version")
    start = _HEADER.size
    for _ in range(count):
        fixed = index[start : start + _FIXED]
        (flags,) = struct.unpack(">H", fixed[_FLAGS])
        begin = start + _FIXED + (2 if flags & _EXTENDED else 0)
        end = index.index(b"\0", begin)
        yield index[begin:end].decode(errors="replace"), int.from_bytes(fixed[_MODE]), fixed[_HASH].hex()
        start += (end - start + 8) // 8 * 8
