"""A command line of the server, read the way that the server reads it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from bakehouse.lint.dashes import DASHES, with_hyphens
from bakehouse.lint.finding import ALWAYS, Finding, Severity, finding
from bakehouse.lint.nearest import nearest
from bakehouse.lint.options import Argument, SourceOptions
from bakehouse.lint.settings import Setting, Word
from bakehouse.servers.llama_cpp.lint.known_options import ABSENT, Knowledge
from bakehouse.servers.llama_cpp.lint.old_names import meant_argument

VALUES = {"nothing": 0, "number": 1, "text": 1, "two": 2}
_ELLIPSIS = re.compile(r"\[?(?:\.\.\.|…)\]?")
"""Of a document: more words, which it leaves out."""
IN_PART = "The server reads the digits at the beginning, and nothing of what follows, without a word."
_THOUSANDS = {"k": 1024, "m": 1024**2}
_OPTION = re.compile(r"--[a-z][a-z0-9-]+")

_finding = functools.partial(finding, by_revision=True)
_TAKES_A_VALUE_SINCE = dict.fromkeys(("-fa", "--flash-attn"), 6325)
"""By name: the build since which a flag of before takes a value (#15434)."""


def by_name(arguments: Sequence[Argument]) -> dict[str, Argument]:
    return {name: one for one in arguments for name in (*one.names, *one.negated)}


def spelled(word: str) -> str:
    """The server takes `_` for `-` in long names."""
    return word.replace("_", "-") if word.startswith("--") else word


def as_digits(value: str) -> str:
    """`32k` and `8_192` as the server reads numbers; a number in words where nobody knows what was meant."""
    if found := re.fullmatch(r"([0-9]+) ?([kKmM])i?[bB]?", value.strip()):
        return str(int(found[1]) * _THOUSANDS[found[2].lower()])
    digits = re.sub(r"(?<=[0-9])[,_ '](?=[0-9]{3})", "", value.strip())
    return digits if digits.isdigit() else "N, a number in digits"


def check_arguments(
    words: Sequence[Word],
    options: SourceOptions,
    knowledge: Knowledge,
    environment: Mapping[str, Setting] | None = None,
) -> Iterator[Finding]:
    """`words` come after the program's name. `environment` is what the image sets."""
    known, index = by_name(options.arguments), 0
    seen: set[tuple[str, ...]] = set()
    while index < len(words):
        word = words[index]
        argument = known.get(spelled(word.text))
        index += 1
        if argument is None:
            if word.complete and word.text and not _ELLIPSIS.fullmatch(word.text):
                yield _dashed(word, known) or _unknown(word, known, options, knowledge)
                index += _values_of_unknown(words, index)
            continue
        values = _values(words[index : index + VALUES[argument.takes]], known)
        index += len(values)
        yield from _check_one(word, argument, values, knowledge)
        if argument.names in seen:
            yield _finding(
                word, "is listed twice", "Only the last one counts.", "one of them", severity=Severity.WARNING
            )
        seen.add(argument.names)
        if argument.environment and environment and argument.environment in environment:
            yield _finding(
                word,
                f"overrides {argument.environment} of the same image",
                "The command line wins over the environment, and users who set the variable wonder.",
                "one of the two",
                severity=Severity.WARNING,
            )
    yield from _check_together(words, environment or {})


def _check_together(words: Sequence[Word], environment: Mapping[str, Setting]) -> Iterator[Finding]:
    """Values that the server takes each, and not both."""
    cache = _told(words, ("-ctv", "--cache-type-v"), environment.get("LLAMA_ARG_CACHE_TYPE_V"))
    attention = _told(words, ("-fa", "--flash-attn"), environment.get("LLAMA_ARG_FLASH_ATTN"))
    if cache and attention and attention[1] in _OFF and cache[1] and cache[1] not in _WHOLE:
        why = f'With {cache[1]} the server exits: "quantized V cache requires flash_attn to be enabled".'
        yield _finding(cache[0], "needs flash attention, which is off", why, "--flash-attn on (or auto), or f16")


_OFF = frozenset({"off", "disabled", "false", "0"})
_WHOLE = frozenset({"f32", "f16", "bf16"})


def _told(words: Sequence[Word], names: Sequence[str], variable: Setting | None) -> tuple[Word, str] | None:
    """The word that says it, and the value that counts: the last argument's, else the variable's."""
    for word, value in reversed(list(pairwise(words))):
        if spelled(word.text) in names:
            return (word, value.text) if value.complete else None
    if variable is None or not variable.complete:
        return None
    return Word(text=variable.as_variable, where=variable.where), variable.value


def _values(words: Sequence[Word], known: Mapping[str, Argument]) -> Sequence[Word]:
    """The words that somebody meant as values. The server would take the next option for one, too."""
    meant = next((at for at, word in enumerate(words) if _is_option(word, known)), len(words))
    return words[:meant]


def _is_option(word: Word, known: Mapping[str, Argument]) -> bool:
    return spelled(word.text) in known or bool(_OPTION.fullmatch(spelled(word.text)))


def _values_of_unknown(words: Sequence[Word], index: int) -> int:
    """How many words after an unknown option are its values: at most one, which is no option itself."""
    return 1 if index < len(words) and not words[index].text.startswith("-") else 0


def _check_one(word: Word, argument: Argument, values: Sequence[Word], knowledge: Knowledge) -> Iterator[Finding]:
    if argument.removed:
        yield _finding(word, "was removed", "The server exits.", argument.removed)
        return
    yield from _check_values(word, argument, values)
    value = values[0].text if values else None
    for fact in knowledge.arguments:
        if fact.problem not in ABSENT and fact.concerns(spelled(word.text), value):
            yield fact.told(word.where, f"{word.text} {value}" if value and fact.values else word.text)


def _check_values(word: Word, argument: Argument, values: Sequence[Word]) -> Iterator[Finding]:
    wanted = argument.hint or ("N" if argument.takes == "number" else "VALUE")
    if len(values) < VALUES[argument.takes]:
        example = argument.choices[0] if argument.choices else wanted
        why = "The server takes the next word for its value, whatever that is, and exits."
        since = _TAKES_A_VALUE_SINCE.get(argument.names[0], ALWAYS if argument.takes == "number" else None)
        yield _finding(word, "needs a value", why, f"{word.text} {example}", since_build=since)
    for value in values:
        if not value.complete:
            continue
        if not argument.accepts(value.text):
            yield _finding(word, f"cannot be {value.text!r}", "The server exits.", argument.advice)
        elif (part := argument.read_part(value.text)) is not None:
            yield _finding(word, f"takes {value.text!r} for {part}", IN_PART, f"{word.text} {as_digits(value.text)}")


def _dashed(word: Word, known: Mapping[str, Argument]) -> Finding | None:
    plain = with_hyphens(word.text)
    meant = next((one for one in (f"--{plain}", f"-{plain}") if one in known), f"--{plain}")
    what = "begins with a dash that is no hyphen"
    return _finding(word, what, f"{DASHES} The server exits.", meant) if plain else None


def _unknown(word: Word, known: Mapping[str, Argument], options: SourceOptions, knowledge: Knowledge) -> Finding:
    name, equals, value = spelled(word.text).partition("=")
    if equals and name in known:
        why = "The server exits: it does not split words at '='."
        return _finding(word, "is not an argument", why, f"two words: {name} {value}", since_build=ALWAYS)
    first, space, rest = word.text.partition(" ")
    if space and spelled(first) in known:
        why = "The server exits: it takes the two for one word."
        return _finding(word, "is not an argument", why, f"two words: {first} and {rest.strip()}", since_build=ALWAYS)
    if fact := next((fact for fact in knowledge.arguments if fact.concerns(spelled(word.text))), None):
        return fact.told(word.where, word.text)
    if meant := meant_argument(word.text, options):
        return _finding(word, meant.what, meant.why, meant.instead)
    if not word.text.startswith("-"):
        why = "The server exits: the option before it takes no value, and it has no arguments without a name."
        return _finding(word, "is not an argument", why, "leave it out")
    instead = nearest(spelled(word.text), known) or "leave it out"
    return _finding(word, "is not an argument of this revision", "The server exits.", instead)
