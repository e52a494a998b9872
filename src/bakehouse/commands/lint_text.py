"""Findings of the lint, for people."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from bakehouse.lint.examined import Examined
from bakehouse.lint.finding import Finding, Severity

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def show(findings: Sequence[Finding], out: Console, *, looked: Sequence[Text] = ()) -> None:
    """The findings of each file, then what was looked at and what was not, then how many there are."""
    for file, group in groupby(findings, key=lambda one: one.where.file):
        out.print(Text(file, style="bold"), soft_wrap=True)
        for one in group:
            for line in _lines(one, out):
                out.print(line, soft_wrap=True)
        out.print()
    for words in looked:
        out.print(words, soft_wrap=True)
    counts = Counter(one.severity for one in findings)
    out.print(Text(total(counts) if counts else "no findings", style="bold"))


def looked_at(examined: Sequence[tuple[str, Examined]]) -> list[Text]:
    lines: list[Text] = []
    for held, one in examined:
        counts = (
            (one.looked.options, "CMake option"),
            (one.looked.arguments, "word of a server's command line"),
            (one.looked.variables, "variable"),
        )
        parts = ", ".join(_number(number, what) for number, what in counts if number)
        name = f"{one.file} ({one.kind})"
        if parts:
            lines.append(Text(f"{name}: {parts}, checked against {held}", style="dim"))
        elif held:
            words = f"no option, argument or variable of {held.partition(' ')[0]} was found in it"
            lines.append(Text(f"{name}: {words}", style="yellow"))
        lines += [Text(f"  not looked at: {missed}", style="dim") for missed in one.looked.not_at]
    return lines


def _number(count: int, what: str) -> str:
    singular, of, rest = what.partition(" of ")
    return f"{count} {singular}{'' if count == 1 else 's'}{of}{rest}"


INDENT = 16
"""Columns before the words of a finding: its line and its severity."""


def _lines(one: Finding, out: Console) -> Iterator[Text]:
    """Words are wrapped, and links and options that are longer than the line stay whole."""
    number = str(one.where.line) if one.where.line is not None else ""
    start = Text.assemble((f"{number:>5}  ", "dim"), (f"{one.severity!s:<9}", STYLES[one.severity]))
    width = max(out.width - INDENT, INDENT)
    for part in _words(one).split("\n"):
        for line in _wrapped(part, width):
            yield Text.assemble(start, line)
            start = Text(" " * INDENT)


def _wrapped(text: Text, width: int) -> Iterator[Text]:
    """Lines of at most `width` columns, unless a word alone is longer, which Rich would break."""
    at = 0
    for line in textwrap.wrap(text.plain, width, break_long_words=False, break_on_hyphens=False):
        at = text.plain.index(line, at)
        yield text[at : at + len(line)]
        at += len(line)


def _words(one: Finding) -> Text:
    text = Text.assemble((one.subject, "bold"), " ", one.what)
    if one.where.key:
        text.append(f"  {one.where.key}", style="dim")
    if one.why:
        text.append(f"\n{one.why}", style="dim")
    if one.instead:
        text.append("\ninstead: ", style="green")
        text.append(one.instead)
    if one.link:
        text.append(f"\n{one.link}", style="dim underline")
    return text


def total(counts: Counter[Severity]) -> str:
    """`2 errors, 1 warning`"""
    return ", ".join(
        f"{counts[severity]} {severity}{'' if counts[severity] == 1 else 's'}"
        for severity in Severity
        if counts[severity]
    )
