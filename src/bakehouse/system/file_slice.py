"""A part of an open file, as a file of its own that knows its length."""

from __future__ import annotations

import io
from typing import Any, BinaryIO


class FileSlice(io.RawIOBase):
    """Reads `size` bytes from `offset` on. `closes`: closing it closes the file beneath."""

    def __init__(self, file: BinaryIO, *, offset: int, size: int, closes: bool = False) -> None:
        super().__init__()
        self._file, self._offset, self._size, self._closes, self._at = file, offset, size, closes, 0

    def close(self) -> None:
        if self._closes:
            self._file.close()
        super().close()

    def seekable(self) -> bool:
        """By which requests finds its length; without one, it would announce a body in chunks."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._offset + self._at)
        data = self._file.read(max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
