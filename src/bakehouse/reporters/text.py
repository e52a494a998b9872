"""Text that came from outside (logs, labels, error messages), made fit to be shown.

Escaping is each format's own business (autoescape in HTML, ElementTree in XML); here goes only what no format can
carry.
"""

from __future__ import annotations

import re

_ESCAPE_SEQUENCES = re.compile(
    r"""
    \x1b\[[0-?]*[ -/]*[@-~]              # CSI: colours, cursor movement
  | \x1b\][^\x07\x1b]*(?:\x07|\x1b\\)    # OSC: titles, hyperlinks
  | \x1b[PX^_][^\x1b]*\x1b\\             # DCS, SOS, PM, APC
  | \x1b[ -/]*[0-~]                      # everything else that is two or three characters long
    """,
    re.VERBOSE,
)
_UNPRINTABLE = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls
    "\ud800-\udfff"  # half a character
    "\u202a-\u202e\u2066-\u2069"  # direction overrides: they make a line read differently from what it is
    "\ufdd0-\ufdef\ufffe\uffff"  # not characters
    "]"
)
_NON_CHARACTERS = re.compile(
    "[" + "".join(chr(plane + low) for plane in range(0x10000, 0x110000, 0x10000) for low in (0xFFFE, 0xFFFF)) + "]"
)
_HINT = re.compile(r"(?<=[\w)\]'\"])\n  (?=[A-Z])")
"""Where the hint of a BakehouseError begins, and its message ends without a full stop."""


def plain(text: str) -> str:
    """Without terminal escape sequences and without characters that XML 1.0 or HTML forbid.

    A lone carriage return (a progress bar that redraws itself) becomes a line break.
    """
    text = _ESCAPE_SEQUENCES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _NON_CHARACTERS.sub("", _UNPRINTABLE.sub("", text))


def one_line(text: str, *, most: int = 200) -> str:
    """Whitespace collapsed, cut at `most` characters with an ellipsis. An error's hint follows as a sentence."""
    text = " ".join(_HINT.sub(". ", plain(text)).split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
