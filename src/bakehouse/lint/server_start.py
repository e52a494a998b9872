"""Which words of a command line are the server's: found behind wrappers like tini."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bakehouse.lint.command import command_of
from bakehouse.lint.settings import Setting, Word
from bakehouse.lint.shell import split

WRAPPERS = frozenset(
    {
        "catchsegv", "chrt", "docker-init", "dumb-init", "env", "exec", "gosu", "ionice", "nice", "nohup", "numactl",
        "setpriv", "setsid", "stdbuf", "su-exec", "sudo", "taskset", "time", "timeout", "tini", "unbuffer",
    }
)  # fmt: skip
"""Programs that start the one that their arguments name."""
SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh"})
_SHELL_TEXT = re.compile(r"-[a-z]*c")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerStart:
    """A server that is started."""

    program: Word
    """The word that names it."""
    words: tuple[Word, ...]
    """Its arguments."""
    is_inherited: bool = False
    """Whether the entrypoint of a known image starts it, and these are words of somebody else."""


def find_start(words: Sequence[Word], names: Collection[str]) -> ServerStart | None:
    """The server that a command line starts, itself or through a wrapper like tini; None for any other program.

    `names` are file names of the server.
    """
    words = unwrapped(words)
    for index, word in enumerate(words):
        program = word.text.rpartition("/")[2]
        if program in names:
            return ServerStart(program=word, words=tuple(words[index + 1 :]))
        if index == 0 and program not in WRAPPERS:
            return None
    return None


def unwrapped(words: Sequence[Word]) -> Sequence[Word]:
    """The last command of `sh -c "..."`, else the words themselves."""
    if len(words) < 3 or words[0].text.rpartition("/")[2] not in SHELLS or not _SHELL_TEXT.fullmatch(words[1].text):  # noqa: PLR2004 - sh -c TEXT
        return words
    text = words[2]
    commands = split(text.text, {})
    inner = [Word(text=one.text, where=text.where, complete=one.complete) for one in commands[-1]] if commands else []
    return command_of(inner).words


def setting_of(start: ServerStart, variables: Sequence[Setting], names: Collection[str], variable: str) -> Word | None:
    """What an option of the server is told: by argument, else by variable. The last one counts."""
    found = None
    for index, word in enumerate(start.words[:-1]):
        if word.text.replace("_", "-") in names:
            found = start.words[index + 1]
    if found is not None:
        return found
    told = [setting for setting in variables if setting.name == variable]
    return Word(text=told[-1].value, where=told[-1].where, complete=told[-1].complete) if told else None
