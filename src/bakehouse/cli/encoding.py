"""Text for a terminal that cannot show all of it: what it lacks is replaced, and nothing is an error.

Files are always UTF-8. A terminal is what its locale says (`LANG=C`, a log of CI), and a path may hold bytes that are
no text at all.
"""

from __future__ import annotations

import codecs
import io
import unicodedata
from typing import TextIO

HANDLER = "bakehouse.nearest"

NEAREST = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
    "\u2026": "...",
    "\u2022": "*",
    "\u00b7": ".",
    "\u00d7": "x",
    "\u2192": "->",
    "\u2190": "<-",
    "\u2191": "^",
    "\u2193": "v",
    "\u2265": ">=",
    "\u2264": "<=",
    "\u2248": "~",
    "\u00b1": "+-",
    "\u2713": "ok",
    "\u2714": "ok",
    "\u2717": "x",
    "\u2718": "x",
    "\u2591": ".",
    "\u2592": ":",
    "\u2593": "#",
    "\u2588": "#",
    "\u2502": "|",
    "\u2500": "-",
    "\u2501": "-",
    "\u2503": "|",
    "\u00df": "ss",
}
"""Quotation marks, dashes, arrows, signs, and the shades and lines of bars and tables."""


def degrade(*streams: TextIO) -> None:
    """Let a stream replace what its encoding lacks."""
    codecs.register_error(HANDLER, _replaced)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_nearest, error.object[error.start : error.end])), error.end


def _nearest(character: str) -> str:
    """`e` for `é`, `?` where nothing is near."""
    if character in NEAREST:
        return NEAREST[character]
    plain = unicodedata.normalize("NFKD", character).encode("ascii", errors="ignore").decode("ascii")
    return plain or "?"
