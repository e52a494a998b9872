"""Stacks and machines that documents and `--help` show are there."""

from __future__ import annotations

import shlex
from pathlib import Path

from bakehouse.cli.verbs import stack as verb
from bakehouse.config.layout import HOSTS, STACKS, ProjectLayout
from bakehouse.stacks.load import DETECTED, names
from tests.project.docs.test_commands import ALL, verb_words

ROOT = Path(__file__).parents[3]
OF_A_READER = {"big", "NAME", "llama-server", "..."}
"""Names in examples of mistakes, and placeholders."""


def shown() -> list[list[str]]:
    """The words behind `stack`."""
    documented = [words[1:] for _, command in ALL if (words := verb_words(command)) and words[0] == "stack"]
    lines = [line.strip() for line in verb.EXAMPLES.splitlines() if "bakehouse stack" in line]
    helped = [shlex.split(line.partition("   ")[0])[2:] for line in lines]
    assert documented
    assert helped
    return [*documented, *helped]


def test_stacks_exist() -> None:
    known = {*names(ProjectLayout(root=ROOT), STACKS), *OF_A_READER}
    assert not [words for words in shown() if words and words[0] not in known]


def test_machines_exist() -> None:
    known = {*names(ProjectLayout(root=ROOT), HOSTS), DETECTED, "NAME", "llama-server"}
    named = [words[words.index("--host") + 1] for words in shown() if "--host" in words]
    assert named
    assert not set(named) - known
