"""Reads the options that `llama-server --help` prints in an image, to compare them with the sources'."""

from __future__ import annotations

import re

from bakehouse.lint.options import Argument

_HEAD = re.compile(r"^(-{1,2}[A-Za-z0-9].*?)(?:\s{2,}\S.*)?$")
_NAME = re.compile(r"(?<!\S)-{1,2}[A-Za-z0-9][A-Za-z0-9_.-]*")
_ENVIRONMENT = re.compile(r"\(env: ([A-Z0-9_]+)\)")


def read_help(text: str) -> dict[str, str | None]:
    """Each name to the environment variable that says the same, or None."""
    found: dict[str, str | None] = {}
    names: list[str] = []
    for line in text.splitlines():
        if line.startswith("-") and not line.startswith("---"):
            names = _NAME.findall(_head(line))
            found |= dict.fromkeys(names)
        elif (variable := _ENVIRONMENT.search(line)) and names:
            found |= dict.fromkeys(names, variable[1])
    return found


def _head(line: str) -> str:
    """What stands before the description, which begins in column 40 or after two spaces."""
    commas = re.sub(r",\s+(?=-)", ", ", line)
    found = _HEAD.match(commas)
    return found[1] if found else commas


def differences(arguments: tuple[Argument, ...], help_text: str) -> tuple[str, ...]:
    """What the program knows and the options read from its source do not, and the other way round."""
    told = read_help(help_text)
    known = {name: one.environment for one in arguments for name in (*one.names, *one.negated)}
    return (
        *(f"{name} is in --help and not in the source" for name in sorted(told.keys() - known.keys())),
        *(f"{name} is in the source and not in --help" for name in sorted(known.keys() - told.keys())),
        *(
            f"{name}: {told[name]} in --help, {known[name]} in the source"
            for name in sorted(told.keys() & known.keys())
            if told[name] != known[name]
        ),
    )
