"""Command lines and shell scripts: text to commands with the line that each word stands on. No program runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bakehouse.errors import Where
from bakehouse.lint.command import ASSIGNMENT, Command, command_of
from bakehouse.lint.settings import Setting, Word
from bakehouse.lint.shell import Token, split

_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_LINE_ENDS = re.compile(r"[\n\v]")
_HEREDOC = re.compile(r"<<-?\s*(?P<quote>[\"']?)(?P<mark>[A-Za-z_][A-Za-z0-9_]*)(?P=quote)[^\n]*\n")
_ARRAY = re.compile(
    r"(?m)^(?P<indent>[ \t]*(?:local |declare -a |export )?)(?P<name>[A-Za-z_]\w*)(?P<adds>\+?)=\((?P<inside>[^)]*)\)"
)
_ELEMENTS = re.compile(r"\"?\$\{(?P<name>[A-Za-z_]\w*)\[[@*]\]\}\"?")
_DECLARES = frozenset({"export", "declare", "local", "readonly", "set"})


@dataclass(kw_only=True, slots=True)
class Script:
    """What a text does, line by line."""

    file: str
    commands: list[Command] = field(default_factory=list)
    variables: list[Setting] = field(default_factory=list)
    """Assignments that stand alone, exported or not."""
    exported: set[str] = field(default_factory=set)

    @property
    def steps(self) -> Iterator[Command]:
        return (command for command in self.commands if command.configures)


def read_script(
    text: str, *, file: str, first_line: int | None = 1, environ: Mapping[str, str] | None = None
) -> Script:
    """The commands in the order of the text. A variable is known once it has been assigned, and only one value.

    `first_line` is where the text begins in its file; None for a text that is in no file.
    """
    script, known = Script(file=file), dict(environ or {})
    plain = _plain(text)
    changing = _assigned_twice(plain)
    for tokens in _split(plain, known):
        words = [_word(token, plain, file, first_line) for token in tokens]
        command = command_of(words)
        declared = command.program in _DECLARES
        given = [*command.assigned] if not command.words else _declared(command) if declared else []
        for setting in given:
            script.variables.append(setting)
            if setting.name in changing or not setting.complete:
                known.pop(setting.name, None)
            else:
                known[setting.name] = setting.value
        if command.program in ("export", "set"):
            script.exported.update(word.text.partition("=")[0] for word in command.words[1:])
        if command.words and not declared:
            script.commands.append(command)
    return script


def _split(text: str, known: Mapping[str, str]) -> Iterator[list[Token]]:
    """Line by line, so that what a line assigns is known to the next one."""
    offset = 0
    for line in _logical_lines(text):
        for tokens in split(line, known):
            yield [Token(text=one.text, offset=one.offset + offset, complete=one.complete) for one in tokens]
        offset += len(line)


def _logical_lines(text: str) -> Iterator[str]:
    """Lines, those that an open quote joins as one."""
    held = ""
    for line in _LINES.findall(text):
        held += line
        if _closes(held):
            yield held
            held = ""
    if held:
        yield held


def _closes(text: str) -> bool:
    quote, index = "", 0
    while index < len(text):
        sign = text[index]
        if sign == "\\" and quote != "'":
            index += 1
        elif quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "#" and (index == 0 or text[index - 1].isspace()):
            end = text.find("\n", index)
            index = len(text) if end < 0 else end
        index += 1
    return not quote


def _declared(command: Command) -> list[Setting]:
    found = ((word, ASSIGNMENT.fullmatch(word.text)) for word in command.words[1:])
    return [
        Setting(name=one["name"], value=one["value"], where=word.where, complete=word.complete)
        for word, one in found
        if one
    ]


def _word(token: Token, text: str, file: str, first_line: int | None) -> Word:
    line = None if first_line is None else first_line + len(_LINE_ENDS.findall(text, 0, token.offset))
    return Word(text=token.text, where=Where(file=file, line=line), complete=token.complete)


def _plain(text: str) -> str:
    """The same length: continued lines joined, here documents blanked, arrays as assignments of one text."""
    text = re.sub(r"\\\r?\n", lambda found: " " * (len(found[0]) - 1) + "\v", text)
    text = _without_heredocs(text)
    text = _ARRAY.sub(_array, text)
    return _ELEMENTS.sub(lambda found: f"${found['name']}".ljust(len(found[0])), text)


def _array(found: re.Match[str]) -> str:
    inside = re.sub(r"[\"']", " ", found["inside"].replace("\n", "\v"))
    before = f"${found['name']} " if found["adds"] else ""
    return f'{found["indent"]}{found["name"]}="{before}{inside}"'.ljust(len(found[0]))


def _without_heredocs(text: str) -> str:
    at = 0
    while found := _HEREDOC.search(text, at):
        end = re.compile(rf"^\t*{found['mark']}[ \t]*$", re.MULTILINE).search(text, found.end())
        stop = end.end() if end else len(text)
        text = text[: found.end()] + re.sub(r"[^\n]", " ", text[found.end() : stop]) + text[stop:]
        at = stop
    return text


def _assigned_twice(text: str) -> frozenset[str]:
    """Names with more than one value: which one counts is the business of a shell that runs."""
    seen: dict[str, set[str]] = {}
    for found in re.finditer(r"(?m)(?:^|[;\s])([A-Za-z_]\w*)=(\S*)", text):
        if not found[2].startswith(f'"${found[1]}'):
            seen.setdefault(found[1], set()).add(found[2])
    return frozenset(name for name, values in seen.items() if len(values) > 1)
