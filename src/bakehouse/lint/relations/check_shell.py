"""What the shell of a RUN line makes of an option before CMake sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from bakehouse.lint.dashes import DASHES, with_hyphens
from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.relations.view import View
from bakehouse.lint.settings import Word

_ARCH = re.compile(r"[0-9]{2,3}[af]?(?:-real|-virtual)?|gfx[0-9a-f]+|all|native")


def check_shell(view: View) -> Iterator[Finding]:
    yield from _check_semicolons(view)
    for stage in view.sources:
        for command in stage.contents.commands:
            for word in command.words[1:] if command.program == "cmake" else ():
                if plain := with_hyphens(word.text):
                    why = f"{DASHES} CMake takes the word for a folder, and the option never reaches it."
                    yield finding(word, "begins with a dash that is no hyphen", why, f"-{plain}")


def _check_semicolons(view: View) -> Iterator[Finding]:
    """A list of archs outside quotes ends the command at its first semicolon."""
    for stage in view.sources:
        for command, after in pairwise(stage.contents.commands):
            last = command.words[-1] if command.words else None
            if (
                last is None
                or command.program != "cmake"
                or not after.words
                or not _ARCH.fullmatch(after.words[0].text)
            ):
                continue
            if last.text.startswith("-D") and after.words[0].where.line == last.where.line:
                yield finding(
                    Word(text=f"{last.text};{after.words[0].text}", where=last.where),
                    "ends the command at the semicolon",
                    f"The shell takes {after.words[0].text} for a program, and what follows never reaches CMake.",
                    f'{last.text.partition("=")[0]}="..." in quotes',
                )
