"""How ENTRYPOINT, CMD and HEALTHCHECK are written: lists that are none, words that no shell reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from bakehouse.errors import Where
from bakehouse.lint.container_file import Contents
from bakehouse.lint.dockerfile import Instruction
from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.server_start import SHELLS, ServerStart
from bakehouse.lint.settings import Word

_STARTS = ("ENTRYPOINT", "CMD", "HEALTHCHECK")
_FLAGS = re.compile(r"\s*(?:--[a-z-]+=\S+\s+)*(?:CMD\s)?\s*", re.IGNORECASE)
"""Before the list of a HEALTHCHECK."""
_NAMED = re.compile(r"\$\{?[A-Za-z_][A-Za-z0-9_]*")
_SERVERS = ("llama-server", "server", "llama", "main")
_MARKS = " \t\"'\u201c\u201d\u2018\u2019"
"""What people put around words, the signs of word processors too."""
_LISTS = "https://docs.docker.com/reference/dockerfile/#exec-form"


def check_forms(image: Sequence[Contents], start: ServerStart | None) -> Iterator[Finding]:
    """`image` are the stages that the image consists of; `start` is the server that it starts."""
    last = image[-1]
    yield from _check_shell_form(last)
    yield from _check_list_form(last)
    for instruction in _written(image):
        yield from _check_brackets(instruction, last.file)
        if instruction.name == "HEALTHCHECK":
            words = _list_of(instruction, last.file)
            if words and words[0].text.rpartition("/")[2] not in SHELLS:
                yield from _check_names(words)
    if start is not None:
        yield from _check_names([word for word in start.words if word.complete])


def _written(image: Sequence[Contents]) -> list[Instruction]:
    """Of each kind the last one, which counts."""
    found = [one for stage in image for one in stage.stage.instructions if one.name in _STARTS]
    return list({one.name: one for one in found}.values())


def _check_shell_form(last: Contents) -> Iterator[Finding]:
    """CMD and the words of `docker run` come after `/bin/sh -c "..."`, where nothing reads them."""
    word = last.shell_entrypoint
    if word is None or not last.command or word.text.startswith("["):
        return
    yield finding(
        word,
        "never gets the words of CMD",
        "A shell runs an ENTRYPOINT without brackets. It drops CMD, and what follows the image in `docker run`.",
        "ENTRYPOINT [{}]".format(", ".join(f'"{one.text}"' for one in last.entrypoint)),
        link="https://docs.docker.com/reference/dockerfile/#shell-form-entrypoint-example",
    )


def _check_list_form(last: Contents) -> Iterator[Finding]:
    """A list with a whole command line in its first word: nothing takes that apart."""
    words = last.entrypoint or last.command
    if not words or last.shell_entrypoint is not None or " " not in words[0].text.strip():
        return
    parts = words[0].text.split()
    if parts[0].rpartition("/")[2] in _SERVERS and parts[1].startswith("-"):
        yield finding(
            words[0],
            "is taken for the name of one program",
            'Nothing takes the words of a list apart: the container ends with "no such file or directory".',
            "[{}]".format(", ".join(f'"{one}"' for one in parts)),
            link=_LISTS,
        )


def _check_brackets(instruction: Instruction, file: str) -> Iterator[Finding]:
    """What is not JSON is a command line for the shell, brackets included."""
    text = _after_flags(instruction).strip()
    if not (text.startswith("[") and text.endswith("]")) or _parsed(text) is not None:
        return
    plain = [part.strip(_MARKS) for part in text[1:-1].split(",")]
    yield finding(
        Word(text=f"{instruction.name} {text}", where=Where(file=file, line=instruction.line)),
        "is no list",
        'Docker reads lists as JSON: double quotes, no comma at the end. This one is given to a shell: "not found".',
        json.dumps([part for part in plain if part], ensure_ascii=False),
        link=_LISTS,
    )


def _check_names(words: Sequence[Word]) -> Iterator[Finding]:
    for word in words:
        if found := _NAMED.search(word.text):
            yield finding(
                word,
                "is taken as it is written",
                f"No shell reads the words of a list, so that nothing puts a value where {found[0]} stands.",
                'the variable of the same meaning (LLAMA_ARG_...), or ["sh", "-c", "exec ..."]',
                link=_LISTS,
            )


def _list_of(instruction: Instruction, file: str) -> tuple[Word, ...]:
    values = _parsed(_after_flags(instruction)) or []
    body = instruction.body
    return tuple(
        Word(text=value, where=Where(file=file, line=body.line(max(body.text.find(value), 0)))) for value in values
    )


def _after_flags(instruction: Instruction) -> str:
    text = instruction.body.text
    found = _FLAGS.match(text) if instruction.name == "HEALTHCHECK" else None
    return text[found.end() :] if found else text


def _parsed(text: str) -> list[str] | None:
    try:
        values = json.loads(text)
    except ValueError:
        return None
    return values if isinstance(values, list) and all(isinstance(one, str) for one in values) else None
