"""The server's command line, read from llama.cpp's `common/arg.cpp`: each option is one `add_opt(common_arg(...))`.

Its constructors differ by what the handler takes: nothing, a bool (then there is a list of negated names), an int, one
text or two. An option belongs to the server if it names LLAMA_EXAMPLE_SERVER or no program at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from bakehouse.lint.cpp import CppToken, closing, is_sign, parts, strings, tokens
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

_NUMBERS = frozenset({"stoi", "stof", "stoul", "stol", "stod", "stoull", "stoll"})
_OF_VALUE = [CppToken("sign", "("), CppToken("word", "value"), CppToken("sign", ")")]
_TYPE = "GGML_TYPE_"

Takes = Literal["nothing", "number", "text", "two"]


def read_arguments(text: str, *, parsers: Sequence[str] = ()) -> tuple[Argument, ...]:
    """Every option of the server, in the order of the file; the first of two that have the same names.

    `parsers` are further files, with functions that handlers give their value to.
    """
    code = list(tokens(text))
    accepted = {name: values for one in parsers for name, values in accepted_values(list(tokens(one))).items()}
    accepted |= accepted_values(code)
    found = [argument for call in _calls(code) if (argument := _argument(call, accepted))]
    return tuple({argument.names: argument for argument in reversed(found)}[one] for one in _first_names(found))


def _first_names(found: Sequence[Argument]) -> Iterator[tuple[str, ...]]:
    yield from dict.fromkeys(argument.names for argument in found)


def _calls(code: Sequence[CppToken]) -> Iterator[Sequence[CppToken]]:
    """What stands in the parentheses of each `add_opt(...)`."""
    for index, token in enumerate(code):
        if token == CppToken("word", "add_opt") and is_sign(code, index + 1, "("):
            yield code[index + 2 : closing(code, index + 1)]


def _argument(call: Sequence[CppToken], accepted: Mapping[str, tuple[str, ...]]) -> Argument | None:
    if not call or call[0] != CppToken("word", "common_arg") or not is_sign(call, 1, "("):
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
        choices=_choices(hint, handler, accepted) if takes == "text" else (),
        number=takes == "text" and _is_number(handler),
        environment=next(iter(strings(settings.get("set_env", []))), None),
        removed=_removed(handler),
    )


def _settings(chain: Sequence[CppToken]) -> dict[str, Sequence[CppToken]]:
    """`.set_env("X").set_examples({...})` by name."""
    return {
        chain[index].text: chain[index + 2 : closing(chain, index + 1)]
        for index in range(len(chain))
        if chain[index].kind == "word" and chain[index].text.startswith("set_") and is_sign(chain, index + 1, "(")
    }


def _for_server(settings: dict[str, Sequence[CppToken]]) -> bool:
    def named(setting: str) -> set[str]:
        return {token.text for token in settings.get(setting, []) if token.text.startswith("LLAMA_EXAMPLE_")}

    programs = named("set_examples") or ({PROGRAM} if "set_examples" not in settings else set())
    if "set_examples" in settings and not programs:
        return (
            True  # a list with a name of its own, like mmproj_examples: better one option too many than a false alarm
        )
    return bool(programs & {PROGRAM, EVERY_PROGRAM}) and PROGRAM not in named("set_excludes")


def _takes(handler: Sequence[CppToken]) -> Takes:
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


def _is_number(handler: Sequence[CppToken]) -> bool:
    """Whether the whole value goes into std::stof or one like it, which throws at anything else."""
    return any(
        token.text in _NUMBERS
        and is_sign(handler, index + 1, "(")
        and handler[index + 2 : index + 3] == [CppToken("word", "value")]
        and (is_sign(handler, index + 3, ")") or is_sign(handler, index + 3, ","))
        for index, token in enumerate(handler)
    )


def _choices(hint: str | None, handler: Sequence[CppToken], accepted: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The values that a handler, or the function that it gives its value to, compares with before it refuses others."""
    for index, token in enumerate(handler):
        if token.text in accepted and handler[index + 1 : index + 4] == _OF_VALUE:
            return accepted[token.text]
    words = {token.text for token in handler if token.kind == "word"}
    compared = _compared(handler, "value")
    if _is_number(handler):
        return tuple(dict.fromkeys(compared))
    if "throw" not in words or words & _PARSERS:
        return ()
    spelled = [word for name, accepted in _TRUTHY.items() if name in words for word in accepted]
    hinted = found[1].replace(",", "|").split("|") if hint and (found := _ALTERNATIVES.fullmatch(hint)) else []
    if not spelled and len(compared) < 2:  # noqa: PLR2004 - one special value beside others that a parser takes
        return ()
    return tuple(dict.fromkeys(word for word in (*hinted, *compared, *spelled) if word))


def _compared(code: Sequence[CppToken], name: str) -> list[str]:
    """The texts that a variable is compared with."""
    return [
        code[index + 1].text
        for index in range(1, len(code) - 1)
        if code[index] == CppToken("sign", "==") and code[index + 1].kind == "string" and code[index - 1].text == name
    ]


def accepted_values(code: Sequence[CppToken]) -> dict[str, tuple[str, ...]]:
    """Functions of one text that throw at all but certain values: `kv_cache_type_from_str`, and the values.

    Either they compare with each value, or they look for it among the names of a list of GGML_TYPE_*.
    """
    lists = _type_lists(code)
    found: dict[str, tuple[str, ...]] = {}
    for index, token in enumerate(code):
        if token.kind != "word" or not is_sign(code, index + 1, "("):
            continue
        end = closing(code, index + 1)
        given = parts(code[index + 2 : end])
        if len(given) != 1 or not given[0] or "string" not in {one.text for one in given[0]}:
            continue
        if not is_sign(code, end + 1, "{"):
            continue
        body = code[end + 1 : closing(code, end + 1)]
        words = {one.text for one in body if one.kind == "word"}
        if "throw" not in words or words & _PARSERS:
            continue
        listed = [value for name, values in lists.items() if name in words for value in values]
        values = tuple(dict.fromkeys(listed or _compared(body, given[0][-1].text)))
        if len(values) > 1:
            found[token.text] = values
    return found


def _type_lists(code: Sequence[CppToken]) -> dict[str, list[str]]:
    """`kv_cache_types = {GGML_TYPE_F32, ...}`: a type is called like its constant, in small letters."""
    return {
        code[index - 1].text: [
            one.text.removeprefix(_TYPE).lower()
            for one in code[index + 1 : closing(code, index + 1)]
            if one.text.startswith(_TYPE)
        ]
        for index in range(1, len(code))
        if is_sign(code, index, "=") and is_sign(code, index + 1, "{") and code[index - 1].kind == "word"
    }


def _removed(handler: Sequence[CppToken]) -> str | None:
    for index, token in enumerate(handler):
        if token == CppToken("word", "arg_removed") and is_sign(handler, index + 1, "("):
            return "".join(strings(handler[index + 2 : closing(handler, index + 1)])) or None
    return None
