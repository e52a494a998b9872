"""A RUN line the way that a shell reads it: commands, words, quotes, the variables that are known. No program runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<rest>(?::?[-+?=])(?P<word>[^}]*))?\}")
_UNREAD = re.compile(r"\$(?:\{[^}]*\}|[@*#?!$0-9-])")
"""Parameters, and expansions that only a shell makes: `$@`, `${ARGS[@]}`, `${NAME%.gguf}`."""
_REDIRECTION = re.compile(r"(?:[0-9]*(?:>>|>\||>&|<&|<<<|<<-?|<>|>|<)|&>>?)(?!\()[ \t]*(?=[^\s<>])")
_REDIRECTS = re.compile(r"[<>][^\s<>=]*$|>>|[<>]\s|>&|>/|</")
_OPERATORS = ("&&", "||", ";", "|", "&", "(", ")", "\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A word of a command."""

    text: str
    offset: int
    complete: bool
    """False where it holds something that only a running shell knows."""


def split(text: str, variables: Mapping[str, str]) -> list[list[Token]]:
    """The simple commands of a text, each as its words. What is not known of a variable is left as it is written."""
    commands: list[list[Token]] = [[]]
    for item in _Words(text, variables):
        if isinstance(item, Token):
            commands[-1].append(item)
        elif commands[-1]:
            commands.append([])
    return [command for command in commands if command]


class _Words:
    """Walks through the text; gives a Token for each word and None for each operator."""

    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self._text = text
        self._variables = variables
        self._at = 0

    def __iter__(self) -> Iterator[Token | None]:
        text = self._text
        while self._at < len(text):
            if found := _REDIRECTION.match(text, self._at):
                self._at = found.end()
                for _ in self._word() if self._at < len(text) else ():
                    pass
            elif operator := next((one for one in _OPERATORS if text.startswith(one, self._at)), None):
                self._at += len(operator)
                yield None
            elif text[self._at].isspace():
                self._at += 1
            elif text[self._at] == "#":
                end = text.find("\n", self._at)
                self._at = len(text) if end < 0 else end
            else:
                yield from self._word()

    def _word(self) -> Iterator[Token]:
        """One word; several where a variable outside quotes holds white space, as a list of options does."""
        start, parts, complete, quote = self._at, list[str](), True, ""
        text = self._text
        while self._at < len(text):
            sign = text[self._at]
            if not quote and (sign.isspace() or any(text.startswith(one, self._at) for one in _OPERATORS)):
                break
            if not quote and self._at > start and _REDIRECTS.match(text, self._at):
                break
            if sign in "'\"" and quote in ("", sign):
                quote = "" if quote else sign
                self._at += 1
            elif sign == "\\" and quote != "'" and self._at + 1 < len(text):
                parts.append(text[self._at + 1])
                self._at += 2
            elif sign in "$`" and quote != "'":
                value, known = self._expansion()
                complete = complete and known
                if known and not quote and len(words := value.split()) > 1:
                    for word in ("".join([*parts, words[0]]), *words[1:-1]):
                        yield Token(text=word, offset=start, complete=complete)
                    parts, value = [], words[-1]
                elif known and not quote:
                    value = value.strip()
                parts.append(value)
            else:
                parts.append(sign)
                self._at += 1
        yield Token(text="".join(parts), offset=start, complete=complete)

    def _expansion(self) -> tuple[str, bool]:
        """What stands for `$NAME`, `${NAME:-WORD}`, `$(...)` or a pair of backquotes, and whether that is known."""
        text, start = self._text, self._at
        if text.startswith("$(", start):
            self._at = _end_of_substitution(text, start + 1)
            return text[start : self._at], False
        if text[start] == "`":
            end = text.find("`", start + 1)
            self._at = len(text) if end < 0 else end + 1
            return text[start : self._at], False
        if found := _BRACED.match(text, start + 1):
            self._at = found.end()
            value = self._variables.get(found["name"])
            if value is None and found["rest"] and found["rest"].lstrip(":").startswith("-"):
                value = found["word"]
            return (text[start : self._at], False) if value is None else (value, True)
        if found := _NAME.match(text, start + 1):
            self._at = found.end()
            known = self._variables.get(found[0])
            return (text[start : self._at], False) if known is None else (known, True)
        if found := _UNREAD.match(text, start):
            self._at = found.end()
            return found[0], False
        self._at += 1
        return text[start], True


def _end_of_substitution(text: str, start: int) -> int:
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    return len(text)
