"""How a value is written into what we render: one rule for each place, and the only ones that templates have.

A template's `{{ value }}` is a plain word or an error. Any other text goes through the filter of the place where it
stands, which quotes it, or refuses what cannot be quoted there. So no value can end an instruction, begin another one
or become a second word. What a macro or a block gives is the template's own text, and is left as it is.

| filter | for | a value becomes |
|---|---|---|
| (none) | names, numbers, paths | itself, of letters, digits and `_ . / @ + : = , % -`; it must not begin with `-` |
| `shell` | a word of a RUN line | a quoted word |
| `words` | a list as words of a RUN line | quoted words with blanks between |
| `pattern` | a pattern of files in a RUN line | quoted, but for `*` and `?` |
| `docker` | the value of ENV, LABEL or ARG | a word in double quotes, in which nothing is replaced |
| `exec` | ENTRYPOINT, CMD, HEALTHCHECK | the JSON form, which no shell reads |
| `comment` | a comment | itself, on one line, and never a directive of the Dockerfile |
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import jinja2
from markupsafe import Markup

from bakehouse.errors import InputError
from bakehouse.model.text_format import unprintable

PLAIN = re.compile(r"(?!-)[A-Za-z0-9_./@+:=,%-]*")
DIRECTIVE = re.compile(r"\s*(?:syntax|escape|check)\s*=", re.IGNORECASE)
"""Of BuildKit's Dockerfile: `# syntax=IMAGE` at the top of a file names the program that reads all of it."""


class UnsafeValueError(InputError):
    """A value that cannot be written where a template has it."""


@jinja2.pass_context
def plain(_: object, value: Any) -> Any:
    """What jinja asks about each `{{ value }}`, after its filters."""
    if isinstance(value, Markup | jinja2.Undefined):
        return value
    text = _text(value)
    if not PLAIN.fullmatch(text):
        raise UnsafeValueError(
            f"{text[:200]!r} is no plain word",
            hint="Tell the template how to write it: {{ value | shell }}, words, pattern, docker, exec or comment.",
        )
    return Markup(text)  # noqa: S704 - it has just been looked at


def shell(value: Any) -> Markup:
    """One word of a shell's command line."""
    return Markup(shlex.quote(_line(value)))  # noqa: S704 - quoted


def words(values: Iterable[Any]) -> Markup:
    """Words of a shell's command line; none of them can be an option."""
    quoted = [shell(value) for value in values]
    for word in quoted:
        if word.lstrip("'\"").startswith("-"):
            raise UnsafeValueError(f"{str(word)!r} would be an option of the command that it is given to")
    return Markup(" ").join(quoted)


def pattern(value: Any) -> Markup:
    """A pattern that the shell expands: `*` and `?` keep their meaning."""
    parts = re.split(r"([*?]+)", _line(value))
    return Markup("").join(Markup(part) if part[:1] in ("*", "?") else shell(part) for part in parts if part)  # noqa: S704


def docker(value: Any) -> Markup:
    """The value of ENV, LABEL or ARG: double quotes, with what Docker would replace escaped."""
    escaped = _line(value).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return Markup(f'"{escaped}"')  # noqa: S704 - quoted


def exec_form(values: Iterable[Any]) -> Markup:
    """ENTRYPOINT, CMD or HEALTHCHECK CMD without a shell."""
    return Markup(json.dumps([_line(value) for value in values], ensure_ascii=False))  # noqa: S704 - quoted


def comment(value: Any) -> Markup:
    """The rest of a comment's line. What BuildKit would take for a directive gets a mark before it."""
    text = _line(value)
    return Markup(f"'{text}" if DIRECTIVE.match(text) else text)  # noqa: S704 - one line


FILTERS: dict[str, Callable[..., Any]] = {
    "shell": shell,
    "words": words,
    "pattern": pattern,
    "docker": docker,
    "exec": exec_form,
    "comment": comment,
}


def bake(value: Any) -> Any:
    """A value of docker-bake.json. Buildx reads templates in JSON, too: `${x}` as text is written `$${x}`."""
    match value:
        case dict():
            return {_template(key): bake(item) for key, item in value.items()}
        case list() | tuple():
            return [bake(item) for item in value]
        case str():
            return _template(value)
        case _:
            return value


def _template(text: str) -> str:
    return text.replace("${", "$${").replace("%{", "%%{")


def _text(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _line(value: Any) -> str:
    """Raises UnsafeValueError for text that is more than a line. None of the formats can quote a line break."""
    text = _text(value)
    if found := unprintable(text):
        raise UnsafeValueError(f"{text[:200]!r} holds {found}")
    return text
