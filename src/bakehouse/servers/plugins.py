"""How a family loads backends that are files of their own, beside its program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Plugins:
    loader: str
    """What looks for them, for messages."""
    named: str
    """Glob of a plugin's file name."""
    variant: str
    """The file name of a variant for some processors, with `{name}` for the variant's name. Of several, the one with
    the best score is taken, and never one without a score."""
    init_symbol: str
    """What each must export."""
    score_symbol: str
    """What each variant must export as well."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """Name of a variant to the instruction sets that its score asks the processor for, as
    `prove/instruction_sets.py` calls them, with blanks between them."""
    guarded: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Glob of a file name to features beyond its level that its own code asks the processor for, and where that was
    read."""

    def file(self, target: str) -> str:
        """The file that a CMake target of a plugin makes."""
        return f"lib{target}.so"

    def target(self, variant: str) -> str:
        """The CMake target of a processor's variant."""
        return self.variant.format(name=variant).removeprefix("lib").removesuffix(".so")

    def variant_of(self, name: str) -> str | None:
        """The variant whose file has a name; None for any other file."""
        before, _, after = self.variant.partition("{name}")
        found = re.fullmatch(f"{re.escape(before)}(?P<name>.+){re.escape(after)}", name)
        return found["name"] if found else None
