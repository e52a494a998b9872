"""`engine` with a real program, and an engine that only notes when it is stopped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.engine.connection import Engine
from bakehouse.pipeline.context import Context

ENGINE = Engine(kind="embedded", host="unix:///e.sock", version="26", buildx="0.13", containerd_store=True)


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the programs and the engine write what they do."""
    path = tmp_path / "notes"
    monkeypatch.setenv("NOTES", str(path))

    @contextlib.contextmanager
    def open_engine(context: Context, *, install: bool) -> Iterator[Engine]:
        assert not install
        yield ENGINE
        with path.open("a") as file:
            file.write("the engine was stopped\n")

    monkeypatch.setattr("bakehouse.commands.engine.open_engine", open_engine)
    return path


def test_the_program_gets_the_engine_and_its_status_is_ours(notes: Path) -> None:
    assert main(["engine", "sh", "-c", 'echo "$DOCKER_HOST" >> "$NOTES"; exit 7']) == 7
    assert notes.read_text() == "unix:///e.sock\nthe engine was stopped\n"


def test_without_a_program_it_is_the_users_shell(notes: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shell = tmp_path / "shell"
    shell.write_text('#!/bin/sh\necho a shell >> "$NOTES"\n')
    shell.chmod(0o755)
    monkeypatch.setenv("SHELL", str(shell))
    assert main(["engine"]) == 0
    assert notes.read_text() == "a shell\nthe engine was stopped\n"


@pytest.mark.parametrize(
    ("at_the_end", "code"),
    [("trap 'echo it ended >> \"$NOTES\"; exit 7' TERM", 7), ("trap 'echo it ended >> \"$NOTES\"' EXIT", 143)],
)
def test_sigterm_ends_the_program_and_then_the_engine(notes: Path, at_the_end: str, code: int) -> None:
    ours = f"{at_the_end}; kill -TERM $PPID; while :; do sleep 0.01; done"
    assert main(["engine", "bash", "-c", ours]) == code
    assert notes.read_text() == "it ended\nthe engine was stopped\n"
