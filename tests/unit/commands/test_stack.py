"""What `stack` says of files that only their owner has, and of stacks that were never started."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from bakehouse.__main__ import main
from bakehouse.commands.stack import commands_for_missing
from bakehouse.errors import ExitCode
from bakehouse.pipeline.stack_plan import Made
from bakehouse.stacks.need import ModelFacts
from bakehouse.stacks.resolve import resolve_stack
from tests.unit.projects import write_project
from tests.unit.stacks.sample import inputs

STACK = """\
    version: 1
    summary: x
    services:
      gateway: {recipe: gate}
      one: {recipe: llm, model: {name: tiny}, serves: one, files: {/etc/own: ./own file, /etc/abs: /srv/abs}}
      two: {recipe: llm, model: {name: tiny}}
    gateway: {service: gateway, routes: [one], key: ./key}
    """


def made() -> Made:
    given = inputs(STACK)
    facts = ModelFacts(bytes=1, paths=("./models/tiny/tiny.gguf",), cached=("/cache/ab/tiny.gguf",))
    given = replace(given, facts=dict.fromkeys(given.facts, facts))
    nothing = cast("Any", None)
    return Made(plan=resolve_stack(given), inputs=given, root=Path(), project=nothing, resolution=nothing, others={})


def test_each_file_is_named_once_with_the_command_that_puts_it_there(tmp_path: Path) -> None:
    assert list(commands_for_missing(made(), tmp_path)) == [
        f"openssl rand -hex 24 | install -D -m 644 /dev/stdin {tmp_path}/key",
        f"install -D -m 644 /cache/ab/tiny.gguf {tmp_path}/models/tiny/tiny.gguf",
        f"# '{tmp_path}/own file': a file or folder of yours",
    ]


def test_what_is_there_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "models/tiny").mkdir(parents=True)
    for name in ("key", "models/tiny/tiny.gguf", "own file"):
        (tmp_path / name).touch()

    assert list(commands_for_missing(made(), tmp_path)) == []


@pytest.mark.parametrize("name", ["demo", "../other", "never-heard-of"])
def test_what_was_not_started_here_is_not_stopped(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No engine is asked, and no file of the stack is read."""
    monkeypatch.setenv("BAKEHOUSE_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "project"
    root.mkdir()
    write_project(root)
    words = ["--root", str(root), "stack", name, "--down"]

    assert main(words) == ExitCode.BAD_INPUT
    assert f"{name} was not started here\n  Nothing was." in capsys.readouterr().err
    (tmp_path / "cache/stacks/mine").mkdir(parents=True)
    (tmp_path / "cache/stacks/mine/compose.yaml").touch()
    (tmp_path / "cache/other").mkdir()
    (tmp_path / "cache/other/compose.yaml").touch()
    assert main(words) == ExitCode.BAD_INPUT
    assert "Here were started: mine." in capsys.readouterr().err
