"""A part of an open file, as a file of its own that knows its length."""

from __future__ import annotations

import io
from typing import Any, BinaryIO


class Slice(io.RawIOBase):
    """Reads `size` bytes from `offset` on. The file beneath stays open when it is closed."""

    def __init__(self, file: BinaryIO, *, offset: int, size: int) -> None:
        super().__init__()
        self._file, self._offset, self._size, self._at = file, offset, size, 0

    def __len__(self) -> int:
        return self._size - self._at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._offset + self._at)
        data = self._file.read(max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
