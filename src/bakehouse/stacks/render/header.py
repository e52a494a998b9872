"""The comment at the top of every rendered file. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from bakehouse.model.text_format import unprintable
from bakehouse.stacks.plan import StackPlan

WIDTH = 120


def header(plan: StackPlan, *, again: str) -> str:
    """Lines of a comment: which stack, for which machine, and how it is rendered again."""
    lines = [
        f"{plan.name}: {plan.summary}",
        f"Rendered for {plan.machine.name} by `{again}`: change stacks/{plan.name}.yaml, not this.",
    ]
    return "".join(comment(line) for line in lines)


def comment(text: str) -> str:
    """One line. A text of a file is on one line already; what is not printable cannot come in here."""
    assert unprintable(text) is None, text
    return f"# {text}\n"


def as_yaml(value: Mapping[str, Any]) -> str:
    """Block style, in the order of the mapping, without anchors."""
    return yaml.dump(_plain(value), Dumper=_Dumper, sort_keys=False, width=WIDTH, allow_unicode=True)


def several_yaml(values: Sequence[Mapping[str, Any]]) -> str:
    """Documents of one file."""
    return "---\n".join(as_yaml(value) for value in values)


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the dumper's shape
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - the same
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Quoted wherever another reader of YAML could take it for something else: `0644`, `1:30`, `on`."""
    plain = value.isidentifier() and value.lower() not in ("yes", "no", "on", "off", "y", "n", "true", "false", "null")
    style = None if plain or (value[:1].isalpha() and not set(value) & set(":#'\"{}[]&*!|>%@`,?")) else '"'
    if "\n" in value:
        style = "|"
    if value.lower() in ("yes", "no", "on", "off", "y", "n", "true", "false", "null", "none"):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _plain(value: Any) -> Any:
    """Tuples as lists, subclasses of text as text."""
    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_plain(item) for item in value]
        case str():
            return str(value)
        case _:
            return value
