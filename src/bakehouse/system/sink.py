"""What a running program prints, taken apart while it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

KEPT_OUTPUT = 1 << 20
"""Bytes that `stream` keeps of each output; the whole of it goes to the log."""


class Sink:
    """Takes one output of a program apart into what its readers want."""

    def __init__(
        self,
        source: IO[bytes],
        *,
        lines: Callable[[str], None] | None = None,
        raw: Callable[[bytes], None] | None = None,
        log: IO[bytes] | None = None,
    ) -> None:
        self.source = source
        self.kept = bytearray()
        self._lines, self._raw, self._log = lines, raw, log
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        self.kept += chunk
        del self.kept[:-KEPT_OUTPUT]
        if self._log:
            self._log.write(chunk)
            self._log.flush()
        if self._raw:
            self._raw(chunk)
        if self._lines:
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            for line in whole:
                self._lines(text_of(line.removesuffix(b"\r")))

    def finish(self) -> None:
        if self._lines and self._rest:
            self._lines(text_of(self._rest))
        self._rest = b""


def text_of(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")
