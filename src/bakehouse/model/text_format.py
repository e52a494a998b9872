"""A format of text: what a value must look like, and the message for one that does not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MISMATCH = "format"
"""Type of the pydantic error; its context holds `expected`."""

LINE_BREAKS = frozenset("\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")
"""What any of the programs that read our files may take for the end of a line."""
REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They make a line read otherwise than programs read it (CVE-2021-42574)."""


ANYTHING = r"^.*$"


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """Annotates a `str`. Control characters, characters that reorder a line and lone surrogates are in no format."""

    expected: str
    """Completes "It must be ...", with an example."""
    pattern: str = ANYTHING
    """Regular expression in the dialect that Python and JSON Schema share; the whole text must match."""
    longest: int = 255
    """Characters."""
    shortest: int = 1
    many_lines: bool = False
    """Whether line breaks and tabs may stand in it."""
    check: Callable[[str], object] | None = None
    """Raises ValueError for what the pattern lets pass."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.validated, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        bounds = {"maxLength": self.longest} | ({"minLength": self.shortest} if self.shortest else {})
        # A pattern of one line says what it must not hold, too; editors know no more of it.
        pattern = {} if self.many_lines else {"pattern": self.pattern}
        return {**handler(schema), **bounds, **pattern}

    def validated(self, value: str) -> str:
        """The value itself. Raises PydanticCustomError."""
        if unsafe := unprintable(value, many_lines=self.many_lines):
            raise self._mismatch(f"{self.expected}, without {unsafe}")
        if not self.shortest <= len(value) <= self.longest:
            raise self._mismatch(f"{self.expected}, of {self.shortest} to {self.longest} characters")
        if self.pattern != ANYTHING and not _compiled(self.pattern, many_lines=self.many_lines).fullmatch(value):
            raise self._mismatch(self.expected)
        if self.check:
            try:
                self.check(value)
            except ValueError:
                raise self._mismatch(self.expected) from None
        return value

    def _mismatch(self, expected: str) -> PydanticCustomError:
        return PydanticCustomError(MISMATCH, "must be {expected}", {"expected": expected})


@cache
def _compiled(pattern: str, *, many_lines: bool) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL if many_lines else 0)


def unprintable(value: str, *, many_lines: bool = False) -> str | None:
    """What stands in a text that no line of a file may hold, in words; None for a harmless one."""
    if value.isprintable():  # for Python, none of those below is
        return None
    for character in value:
        if many_lines and character in "\n\t":
            continue
        if character in LINE_BREAKS:
            return "line breaks"
        if character in REORDERING:
            return f"the character U+{ord(character):04X}, which changes the order in which a line is read"
        if unicodedata.category(character) in ("Cc", "Cs"):
            return f"the control character U+{ord(character):04X}"
    return None
