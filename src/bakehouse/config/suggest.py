"""The known word that a wrong one may stand for, and the hint that names it. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

CLOSE = 0.6
"""Least similarity of two words for one to be suggested; difflib's own default."""
LONGEST = 100
"""Characters of a word for which the nearest known one is looked for."""
MOST = 20_000
"""Known words that are looked at: an archive can hold a million."""


def closest(word: str, known: Iterable[str], *, cutoff: float = CLOSE) -> str | None:
    """The most similar of the known words; None where none is similar enough."""
    if len(word) > LONGEST:
        return None
    return next(iter(difflib.get_close_matches(word, sorted(set(known))[:MOST], n=1, cutoff=cutoff)), None)


def suggest(word: str, known: Sequence[str]) -> str:
    """`Perhaps you meant 'packages'.`, or the list of what there is."""
    if close := perhaps(word, known):
        return close
    return f"There is: {', '.join(sorted(known))}." if known else "Nothing is allowed here."


def perhaps(word: str, known: Iterable[str]) -> str | None:
    """`Perhaps you meant 'packages'.`, or None."""
    close = closest(word, known)
    return f"Perhaps you meant {close!r}." if close else None
