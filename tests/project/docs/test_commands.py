"""Every command that the documents show: it exists, its options exist, and what is harmless runs."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.cli import verbs
from bakehouse.cli.parser import parser
from bakehouse.errors import ExitCode

ROOT = Path(__file__).parents[3]
NOXFILE = ROOT / "noxfile.py"
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("recipes/**/*.md")})
FENCE = re.compile(r"^```(?:bash|sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(?<!`)`((?:nox -s|bakehouse|python -m bakehouse) [^`\n]+)`")
STARTS = re.compile(
    r"(?:^|\$\(|[|;&] *)(?:\$ *)?(nox -s [a-z-]+|(?:python3? -m )?bakehouse(?= (?:-|[a-z]+)))(.*)$", re.MULTILINE
)
EXAMPLES = {
    "CELL": "llama-server-cpu-amd64",
    "NAME": "llama-server",
    "CARD": "rtx4090",
    "REV": "HEAD",
    "RUN": "20261120-031200-0e5428",
    "BASE": "20261120-031200-0e5428",
    "FOLDER": "out",
    "FILE": "Dockerfile",
    "VERSION": "550.54.14",
    "NAME-cpu-amd64": "llama-server-cpu-amd64",
}
"""What the placeholders of the documents stand for."""
HARMLESS = {"plan"}
"""Verbs that touch nothing: their documented commands are run, on this project's files."""
OF_OTHERS = {"--affected-since", "--write"}
"""Options that need a repository, or write."""
SHOWN_TO_FAIL = {
    "bakehouse plan --gpu gb10 --platform linux/amd64": ExitCode.BAD_INPUT,
    "nox -s plan -- --explain llama-small-cpu-blas-amd64": ExitCode.BAD_INPUT,
}
"""The first is there for its error; the second is of a recipe that its text has just made up."""


def commands() -> Iterator[tuple[str, str]]:
    """Document and command, with continued lines joined and comments gone."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        fenced = [block.replace("\\\n", " ") for block in FENCE.findall(text)]
        for block in (*fenced, *CODE.findall(text)):
            for program, rest in STARTS.findall(block):
                yield document.name, f"{program}{rest}"


def words_of(command: str) -> list[str]:
    """The words of a command, up to a pipe or a closing parenthesis, with examples for placeholders."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|;&()<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("|;&()<>"):
            break
        words.append(EXAMPLES.get(word, word))
    return words


def verb_words(command: str) -> list[str] | None:
    """What `bakehouse` is given; None for a session that is no verb (lint's and tests' own tools)."""
    words = words_of(command)
    if words[0] == "nox":
        session, rest = words[2], words[3:]
        return [session, *rest[1:]] if session in verbs.SUMMARIES and session != "lint" else None
    return words[words.index("bakehouse") + 1 :]


ALL = sorted(set(commands()))


def test_there_are_commands_in_the_documents() -> None:
    assert len(ALL) > 60


@pytest.mark.parametrize(("document", "command"), ALL)
def test_it_can_be_typed(document: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = words_of(command)
    if words[0] == "nox":
        assert words[2] in sessions(), f"{document}: there is no session {words[2]}"
        assert words[3:4] in ([], ["--"]), f"{document}: {command}"
    given = verb_words(command)
    if given is None or given[0] == "VERB":
        return
    code = typed(given)
    assert code == 0, f"{document}: {command}\n{capsys.readouterr().err}"


def typed(words: list[str]) -> object:
    """The exit code of reading them as a command line."""
    try:
        parser(words).parse_args(words)
    except SystemExit as ended:
        return ended.code
    return 0


def sessions() -> set[str]:
    """Names as `nox -s` takes them."""
    functions = [
        node for node in ast.parse(NOXFILE.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
    ]
    decorated = [(function, ast.unparse(one)) for function in functions for one in function.decorator_list]
    named = [(function, re.search(r"name='([\w-]+)'", text)) for function, text in decorated if "nox.session" in text]
    return {name[1] if name else function.name for function, name in named}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own files, which a test may change."""
    root = tmp_path_factory.mktemp("project")
    for name in ("matrix.yaml", "bakehouse.lock"):
        shutil.copy(ROOT / name, root)
    for name in ("recipes", "dockerfiles", "lint-data", "options", "tests/images"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name)
    return root


@pytest.mark.parametrize(("document", "command"), ALL)
def test_a_plan_that_is_shown_can_be_made(
    document: str, command: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = verb_words(command)
    if given is None or given[0] not in HARMLESS or OF_OTHERS & set(given) or "--help" in given:
        return
    code = main(["--root", str(copy), *given])
    assert code == SHOWN_TO_FAIL.get(command.strip(), ExitCode.OK), f"{document}: {command}\n{capsys.readouterr().err}"
