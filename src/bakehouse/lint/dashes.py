"""Finds dashes where people meant hyphens: a word processor or a web page made one sign of two."""

from __future__ import annotations

import re

_DASHED = re.compile(r"-?[\u2010-\u2015\u2212]+-?(?P<name>[A-Za-z].*)", re.DOTALL)
DASHES = "A word processor or a web page made one sign of two hyphens."


def with_hyphens(word: str) -> str:
    """The name behind dashes of word processors: `jinja` behind one long dash; empty where a word has none."""
    found = _DASHED.fullmatch(word)
    return found["name"] if found else ""
