"""The server's command line, read from llama.cpp's `common/arg.cpp`: each option is one `add_opt(common_arg(...))`.

Its constructors differ by what the handler takes: nothing, a bool (then there is a list of negated names), an int, one
text or two. An option belongs to the server if it names LLAMA_EXAMPLE_SERVER or no program at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from bakehouse.lint.cpp import Token, closing, is_sign, parts, strings, tokens
from bakehouse.lint.options import Argument

FILE = "common/arg.cpp"
PROGRAM = "LLAMA_EXAMPLE_SERVER"
EVERY_PROGRAM = "LLAMA_EXAMPLE_COMMON"

_TRUTHY = {
    "is_truthy": ("on", "enabled", "true", "1"),
    "is_falsey": ("off", "disabled", "false", "0"),
    "is_autoy": ("auto", "-1"),
}
_ALTERNATIVES = re.compile(r"[\[{<]([a-z0-9+-]+(?:[|,][a-z0-9+-]+)+)[\]}>]")
_PARSERS = frozenset({"stoi", "stof", "stoul", "stol", "stod", "string_split", "parse"})

Takes = Literal["nothing", "number", "text", "two"]


def read_arguments(text: str) -> tuple[Argument, ...]:
    """Every option of the server, in the order of the file; the first of two that have the same names."""
    code = list(tokens(text))
    found = [argument for call in _calls(code) if (argument := _argument(call))]
    return tuple({argument.names: argument for argument in reversed(found)}[one] for one in _first_names(found))


def _first_names(found: Sequence[Argument]) -> Iterator[tuple[str, ...]]:
    yield from dict.fromkeys(argument.names for argument in found)


def _calls(code: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """What stands in the parentheses of each `add_opt(...)`."""
    for index, token in enumerate(code):
        if token == Token("word", "add_opt") and is_sign(code, index + 1, "("):
            yield code[index + 2 : closing(code, index + 1)]


def _argument(call: Sequence[Token]) -> Argument | None:
    if not call or call[0] != Token("word", "common_arg") or not is_sign(call, 1, "("):
        return None
    end = closing(call, 1)
    given, settings = parts(call[2:end]), _settings(call[end + 1 :])
    if not given or not _for_server(settings):
        return None
    handler = given[-1]
    takes = _takes(handler)
    hint = strings(given[1])[0] if len(given) > 3 and strings(given[1]) and takes != "nothing" else None  # noqa: PLR2004 - names, hint, help, handler
    negated = strings(given[1]) if is_sign(given[1], 0, "{") else []
    return Argument(
        names=tuple(strings(given[0])),
        negated=tuple(negated),
        takes=takes,
        hint=hint,
        choices=_choices(hint, handler) if takes == "text" else (),
        environment=next(iter(strings(settings.get("set_env", []))), None),
        removed=_removed(handler),
    )


def _settings(chain: Sequence[Token]) -> dict[str, Sequence[Token]]:
    """`.set_env("X").set_examples({...})` by name."""
    return {
        chain[index].text: chain[index + 2 : closing(chain, index + 1)]
        for index in range(len(chain))
        if chain[index].kind == "word" and chain[index].text.startswith("set_") and is_sign(chain, index + 1, "(")
    }


def _for_server(settings: dict[str, Sequence[Token]]) -> bool:
    def named(setting: str) -> set[str]:
        return {token.text for token in settings.get(setting, []) if token.text.startswith("LLAMA_EXAMPLE_")}

    programs = named("set_examples") or ({PROGRAM} if "set_examples" not in settings else set())
    if "set_examples" in settings and not programs:
        return (
            True  # a list with a name of its own, like mmproj_examples: better one option too many than a false alarm
        )
    return bool(programs & {PROGRAM, EVERY_PROGRAM}) and PROGRAM not in named("set_excludes")


def _takes(handler: Sequence[Token]) -> Takes:
    """By the parameters of the lambda: the first is always `common_params &`."""
    start = next((index for index in range(len(handler)) if is_sign(handler, index, "(")), None)
    if start is None:
        return "nothing"
    values = [{token.text for token in one} for one in parts(handler[start + 1 : closing(handler, start)])[1:]]
    if not values or "bool" in values[0]:
        return "nothing"
    if len(values) > 1:
        return "two"
    return "number" if "int" in values[0] else "text"


def _choices(hint: str | None, handler: Sequence[Token]) -> tuple[str, ...]:
    """The values that a handler compares with before it refuses all others."""
    words = {token.text for token in handler if token.kind == "word"}
    if "throw" not in words or words & _PARSERS:
        return ()
    compared = [
        handler[index + 1].text
        for index in range(1, len(handler) - 1)
        if handler[index] == Token("sign", "==")
        and handler[index + 1].kind == "string"
        and handler[index - 1].text == "value"
    ]
    spelled = [word for name, accepted in _TRUTHY.items() if name in words for word in accepted]
    hinted = found[1].replace(",", "|").split("|") if hint and (found := _ALTERNATIVES.fullmatch(hint)) else []
    if not spelled and len(compared) < 2:  # noqa: PLR2004 - one special value beside others that a parser takes
        return ()
    return tuple(dict.fromkeys(word for word in (*hinted, *compared, *spelled) if word))


def _removed(handler: Sequence[Token]) -> str | None:
    for index, token in enumerate(handler):
        if token == Token("word", "arg_removed") and is_sign(handler, index + 1, "("):
            return "".join(strings(handler[index + 2 : closing(handler, index + 1)])) or None
    return None
