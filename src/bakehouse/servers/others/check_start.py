"""The words that a server of others is given, and its variables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.settings import Setting, Word
from bakehouse.servers.others.check_container import option_and_value
from bakehouse.servers.others.known import Known
from bakehouse.servers.others.started import Started, is_program


def check_start(started: Started) -> Iterator[Finding]:
    """Options that it does not have, numbers that it refuses, and its own program among its arguments."""
    if wrong := _program(started):
        yield wrong
        return
    yield from _check_options(started)
    for setting in started.variables:
        for known in started.server.environment:
            right = known.unless is not None and (not setting.complete or re.fullmatch(known.unless, setting.value))
            if setting.name in known.names and not right and (started.is_inherited or not known.only_image):
                yield _told(known, setting, setting.as_variable, started)


def _program(started: Started) -> Finding | None:
    """A program where arguments are expected, or arguments where a program is."""
    first = started.words[0] if started.words else None
    link = started.server.link
    if started.is_inherited and first is not None and is_program(first, started.server):
        why = f"The image's entrypoint is {started.server.title} already, and its command holds arguments only."
        instead = "leave the program out, or set an entrypoint"
        return finding(first, "is taken for an argument", why, instead, link=link)
    given = started.given[0] if started.given else None
    if given is not None and given.text.startswith("-") and started.server.programs:
        program = started.server.programs[0]
        why = f"The image's entrypoint starts what the command names, and {started.server.title} is not named."
        instead = f"{f'python3 {program}' if program.startswith('-') else program} before it"
        return finding(given, "is taken for a program", why, instead, link=link)
    return None


def _check_options(started: Started) -> Iterator[Finding]:
    for index, word in enumerate(started.words):
        if parts := option_and_value(word):
            yield finding(
                word,
                "is taken for one argument",
                "Nothing takes the words of a list apart: an option with a blank in its name is unknown.",
                f'two words: "{parts[0]}", "{parts[1]}"',
            )
        name, equals, value = word.text.partition("=")
        told = value if equals else next((one.text for one in started.words[index + 1 : index + 2]), "")
        for known in started.server.arguments:
            if name in known.names and _concerns(known, told):
                yield _told(known, word, name if known.above is None else f"{name} {told}", started)


def _told(known: Known, at: Word | Setting, subject: str, started: Started) -> Finding:
    return finding(
        at,
        f"{_what(known, at)} {started.server.title}",
        known.why,
        known.instead,
        subject=subject,
        severity=known.severity,
        link=started.server.link,
    )


def _what(known: Known, at: Word | Setting) -> str:
    if known.above is not None:
        return "is too large for"
    if isinstance(at, Setting):
        return "has no value for" if known.unless else "is not read by"
    return "is no option of" if known.severity is Severity.ERROR else "is an option of older releases of"


def _concerns(known: Known, value: str) -> bool:
    if known.above is None:
        return True
    try:
        return float(value) > known.above
    except ValueError:
        return False
