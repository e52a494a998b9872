"""Which configure steps are llama.cpp's: files build other projects beside it, whose options nobody here knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bakehouse.lint.command import Command
from bakehouse.lint.settings import Setting
from bakehouse.servers.llama_cpp.lint.revisions import find_revisions, is_wrapper

_OWN = re.compile(r"(?:GGML|LLAMA)_")
RELATIVES = re.compile(r"(?:SD|WHISPER|OLLAMA|KOBOLDCPP|LLAMAFILE)_")
"""Options of projects that build on ggml and have options of their own."""
_NAMED = re.compile(r"(?<![oO])llama|ggml", re.IGNORECASE)

Steps = Iterator[tuple[Command, tuple[Setting, ...]]]


def speaks_of_llama(text: str) -> bool:
    return bool(_NAMED.search(text))


def own_steps(steps: Steps, commands: Sequence[Command], *, by_default: bool) -> Steps:
    """Those that configure llama.cpp: by their options, by a folder that they name, else by what was fetched last.

    `by_default` stands where none of that tells.
    """
    for command, step in steps:
        if _is_own(command, step, commands, by_default=by_default):
            yield command, step


def _is_own(command: Command, step: Sequence[Setting], commands: Sequence[Command], *, by_default: bool) -> bool:
    if not command.configures or any(_OWN.match(setting.name) for setting in step):
        return True
    if any(RELATIVES.match(setting.name) for setting in step):
        return False
    if any(_NAMED.search(word.text) for word in command.words):
        return True
    before = [one for one in find_revisions(_before(command, commands)) if one.source]
    if before:
        return before[-1].llama or is_wrapper(before[-1].address.text)
    return by_default


def _before(command: Command, commands: Sequence[Command]) -> Sequence[Command]:
    at = next((index for index, one in enumerate(commands) if one is command), len(commands))
    return commands[:at]
