"""llama-swap's configuration: models, each with the command that serves it, macros filled in.

https://github.com/mostlygeek/llama-swap/blob/main/docs/configuration.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bakehouse.config.yaml_document import Document
from bakehouse.errors import Where
from bakehouse.lint.compose_file import ComposeFile, ComposeLayer, Node
from bakehouse.lint.script import Script, read_script
from bakehouse.lint.settings import Setting, Word

_MACRO = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)\}")
_OWN = frozenset({"PORT", "MODEL_ID", "PID"})
FIRST_PORT = "5800"
"""Of those that llama-swap gives, unless startPort says another."""
_DEEP = 8


class SwapFile(ComposeFile):
    """Read like a compose file, but for `${NAME}`, which are macros."""

    def fill(self, text: str, where: Where) -> tuple[str, bool]:  # noqa: ARG002 - the base's shape
        return text, not _MACRO.search(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class SwapModel:
    """One model."""

    name: str
    node: Node
    command: Word | None
    """As written, before macros."""
    script: Script
    """What its command does."""
    proxy: Word | None
    variables: tuple[Setting, ...]
    unknown: tuple[str, ...]
    """Macros that nothing defines."""

    written: str
    """The command with its macros filled in, but for those that llama-swap gives."""

    @property
    def has_port(self) -> bool:
        """Whether its command takes the port that llama-swap gives."""
        return "${PORT}" in self.written


@dataclass(frozen=True, kw_only=True, slots=True)
class Swap:
    """The whole file."""

    file: SwapFile
    top: Node
    models: tuple[SwapModel, ...]
    names: frozenset[str] = field(default_factory=frozenset)
    """Of models, with their aliases."""


def is_swap(value: Any) -> bool:
    models = value.get("models") if isinstance(value, Mapping) else None
    return (
        isinstance(models, Mapping)
        and bool(models)
        and all(isinstance(one, Mapping) and ("cmd" in one or "proxy" in one) for one in models.values())
    )


def read_swap(document: Document, text: str) -> Swap:
    file = SwapFile(document=document, lines=text.splitlines(), environ={})
    top = Node(file=file, layers=(ComposeLayer(document.value, ()),))
    models = top.node("models")
    shared = _macros(top)
    port = top.word("startPort")
    found = tuple(
        _model(name, node, shared, port.text if port else FIRST_PORT)
        for name in (models.keys() if models else ())
        if models and (node := models.node(name))
    )
    names = {name for one in found for name in (one.name, *(word.text for word in one.node.items("aliases")))}
    return Swap(file=file, top=top, models=found, names=frozenset(names))


def _macros(node: Node) -> dict[str, str]:
    """A mapping, or a list of mappings with one each."""
    several = [one for one in (node.node("macros"), *node.nodes("macros")) if one]
    return {name: word.text for one in several for name in one.keys() if (word := one.word(name))}  # noqa: SIM118


def _model(name: str, node: Node, shared: Mapping[str, str], port: str) -> SwapModel:
    macros = {**shared, **_macros(node)}
    command = node.word("cmd")
    written = _expanded(command.text, macros) if command else ""
    unknown = dict.fromkeys(one["name"] for one in _MACRO.finditer(written) if one["name"] not in _OWN)
    filled = written.replace("${PORT}", port).replace("${MODEL_ID}", name)
    return SwapModel(
        name=name,
        node=node,
        command=command,
        written=written,
        script=_script(filled, node),
        proxy=node.word("proxy"),
        variables=tuple(node.settings("env")),
        unknown=tuple(one for one in unknown if not one.startswith("env.")),
    )


def _expanded(text: str, macros: Mapping[str, str]) -> str:
    """Macros may name others. What they hold goes on one line, so that lines stay what they are in the file."""
    for _ in range(_DEEP):
        replaced = _MACRO.sub(lambda found: _flat(macros[found["name"]]) if found["name"] in macros else found[0], text)
        if replaced == text:
            break
        text = replaced
    return text


def _flat(text: str) -> str:
    return " ".join(line.rstrip("\\").strip() for line in text.splitlines() if not line.lstrip().startswith("#"))


def _script(text: str, node: Node) -> Script:
    """One command line over several lines; lines that begin with # are left out."""
    where = node.where_of("cmd")
    lines = ["" if line.lstrip().startswith("#") else line.rstrip().removesuffix("\\") for line in text.splitlines()]
    joined = " \\\n".join(lines)
    first = where.line or 1
    begins_below = node.file.lines[first - 1].rstrip().endswith(("|", ">", "|-", ">-", "|+", ">+"))
    return read_script(joined, file=where.file, first_line=first + 1 if begins_below else first)


def words_of(script: Script) -> Sequence[Word]:
    """Of the command that is started."""
    return script.commands[-1].words if script.commands else ()
