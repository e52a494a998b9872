"""What is known of one server stands in its family's folder: nothing else names it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/bakehouse"

NAMES = re.compile(r"(?<!o)llama(?!-swap|_swap)|ggml", re.IGNORECASE)
"""Ollama and llama-swap are programs of others."""
OWN = ("servers/llama_cpp/", "model_files/gguf/")
"""The family's folder; and the reader of a file format, whose types have the numbers and names of the library that made
it."""
ALLOWED = {
    "model/serving.py": "the word for the family that recipes write",
    "servers/families.py": "the line that makes it a family",
    "servers/linters.py": "the line that gives it a linter",
    "servers/deployment.py": "the line that says how it is deployed",
    "model/report.py": "metrics are called so in reports and histories that are kept",
    "model/enums.py": "a disturbance is called so in reports and histories that are kept",
    "commands/init.py": "the recipe that a new project begins with",
    "servers/others/servers.yaml": "what other servers refuse, or publish, that is called after it",
    "servers/others/check_container.py": "the line of a command's programs: it is one of those that serve",
}
"""Modules that name it all the same, and why."""
_ADDRESS = re.compile(r"https?://[^\s\"')>]+")


def named_in(text: str) -> list[int]:
    """Lines that name it, addresses aside: they say where a fact is written down."""
    lines = enumerate(text.splitlines(), start=1)
    return [number for number, line in lines if NAMES.search(_ADDRESS.sub("", line))]


def texts(folder: Path) -> dict[str, str]:
    """Every text file below a folder by its path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8", errors="ignore") for path in files}


def test_nothing_else_names_it() -> None:
    """Ask the family: servers/server.py and the abilities beside it. In a docstring, take a neutral example."""
    wrong = [
        f"{name}, line {', '.join(map(str, lines))}"
        for name, text in texts(SOURCE).items()
        if not name.startswith(OWN) and name not in ALLOWED and (lines := named_in(text))
    ]
    assert not wrong


def test_templates_of_other_recipes_do_not_name_it() -> None:
    """Its recipe's template and the macros beside it do."""
    found = {name for name, text in texts(ROOT / "dockerfiles").items() if "llama" not in name and named_in(text)}
    assert found == {"bases/cuda-wheels.Dockerfile.j2"}, "a comment there says what a stub of a library is for"


@pytest.mark.parametrize("name", ALLOWED)
def test_what_may_name_it_does(name: str) -> None:
    assert named_in((SOURCE / name).read_text(encoding="utf-8"))


def test_addresses_name_nothing() -> None:
    assert named_in("a\n# https://github.com/ggml-org/llama.cpp\nLLAMA_ARG_PORT # https://x") == [3]
