"""Profiles of llama-server against the pinned source: a variable that is gone, or a value that it refuses, is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.lint.compose_file import read_env_file
from bakehouse.lint.finding import Severity
from tests.unit.projects import ROOT
from tests.unit.servers.llama_cpp.lint.test_words import examine

PROFILES = sorted((ROOT / "recipes/llama-server/profiles").glob("*.env"))
COMPOSE = """\
services:
  chat:
    image: ghcr.io/ggml-org/llama.cpp:server-cuda-b11312
    gpus: all
    healthcheck: {disable: true}
    environment:
"""


def findings(lines: str) -> list[str]:
    examined = examine(COMPOSE + lines, file="compose.yaml")
    return [f"{one.subject} {one.what}" for one in examined.findings if one.severity is not Severity.NOTE]


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_the_pinned_source_takes_every_line(path: Path) -> None:
    settings = read_env_file(path.read_text(encoding="utf-8"), file="profile.env")

    assert settings
    assert findings("".join(f'      {one.name}: "{one.value}"\n' for one in settings)) == []


def test_a_line_that_is_stale_would_be_told() -> None:
    assert findings('      LLAMA_ARG_NO_MMAP: "1"\n')
