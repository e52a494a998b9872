"""No value that a file may hold changes the structure of what is rendered."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bakehouse.model.field_types import OneLine
from bakehouse.stacks.plan import StackPlan
from bakehouse.stacks.render import compose, kubernetes, quadlet
from tests.unit.stacks.sample import plan

ONE_LINE = TypeAdapter(OneLine)
STACK = """\
    version: 1
    summary: x
    services: {a: {recipe: gate}}
    """


def allowed(text: str) -> bool:
    """Whether a file may hold it at all."""
    try:
        ONE_LINE.validate_python(text)
    except ValidationError:
        return False
    return True


values = st.text(max_size=40).filter(allowed) | st.sampled_from(
    [
        "on",
        "yes",
        "1:30",
        "0644",
        "null",
        "~",
        "- a",
        "a: b",
        "{x}",
        "*a",
        "&a",
        "%h %n",
        "$HOME",
        "$(X)",
        '"',
        "'",
        "\\",
        "#x",
        " ",
    ]
)


def with_values(words: list[str], env: dict[str, str]) -> StackPlan:
    made = plan(STACK)
    return replace(made, services=tuple(replace(one, args=tuple(words), env=env) for one in made.services))


@given(st.lists(values, max_size=4), values)
def test_compose_gives_the_words_back(words: list[str], value: str) -> None:
    read = yaml.safe_load(compose.render(with_values(words, {"NAME": value}), again="x"))
    service = read["services"]["a"]

    assert [word.replace("$$", "$") for word in service.get("command", [])] == words
    assert service["environment"]["NAME"].replace("$$", "$") == value
    assert set(read) == {"name", "services", "networks"}


@given(st.lists(values, max_size=4), values)
def test_kubernetes_gives_the_words_back(words: list[str], value: str) -> None:
    made = with_values(words, {"NAME": value})
    documents: list[dict[str, Any]] = kubernetes.of_service(made.services[0], made)
    (container,) = documents[0]["spec"]["template"]["spec"]["containers"]

    assert [word.replace("$$(", "$(") for word in container.get("args", [])] == words
    assert container["env"] == [{"name": "NAME", "value": value.replace("$(", "$$(")}]


@given(st.lists(values.filter(bool), min_size=1, max_size=4), values)
def test_quadlet_keeps_each_value_in_its_line(words: list[str], value: str) -> None:
    made = with_values(words, {"NAME": value})
    text = quadlet.render(made, again="x")["quadlet/sample-a.container"]

    assert re.findall(r"^\[(.*)\]$", text, re.MULTILINE) == ["Unit", "Container", "Service", "Install"]
    (line,) = re.findall(r"^Exec=(.*)$", text, re.MULTILINE)
    back = [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line)]
    assert back == words
    (setting,) = re.findall(r"^Environment=(.*)$", text, re.MULTILINE)
    assert [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(setting)] == [f"NAME={value}"]
