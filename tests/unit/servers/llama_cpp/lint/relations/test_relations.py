"""Small Dockerfiles with one mistake each, and good ones. Each says in its last lines what is to be found in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.lint.finding import Finding, Severity
from bakehouse.servers.llama_cpp.lint.check_dockerfile import check_dockerfile
from bakehouse.servers.llama_cpp.lint.known_options import load_knowledge
from tests.unit.projects import ROOT
from tests.unit.servers.llama_cpp.lint.test_check_dockerfile import basis, pinned

FOLDER = ROOT / "tests/golden/lint/relations"
MARK = "# finds"
FILES = sorted(FOLDER.glob("*.Dockerfile"))


def findings(text: str) -> list[Finding]:
    """Errors and warnings."""
    examined = check_dockerfile(
        text,
        file="Dockerfile",
        basis=basis(pinned(), load_knowledge()),
    )
    return [one for one in examined.findings if one.severity is not Severity.NOTE]


def wanted(text: str) -> list[tuple[str, str]]:
    """(`severity line what`, words of the advice) of each line after the mark."""
    lines = text.partition(MARK)[2].splitlines()[1:]
    return [
        (what.removeprefix("# ").strip(), advice.strip()) for what, _, advice in (line.partition("|") for line in lines)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_gives_what_it_says(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = sorted(findings(text), key=lambda one: (one.where.line or 0, one.what))
    said = [f"{one.severity} {one.where.line} {one.what} [{one.subject}] [{one.instead}]" for one in found]
    expected = wanted(text)
    assert len(said) == len(expected), said
    for what, advice in expected:
        assert any(one.startswith(what) and advice in one for one in said), (what, said)


def test_good_files_and_bad_ones_are_both_there() -> None:
    bad = [path for path in FILES if wanted(path.read_text(encoding="utf-8"))]
    assert len(bad) >= 60
    assert len(FILES) - len(bad) >= 15


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_finding_says_why_and_what_to_write(path: Path) -> None:
    for one in findings(path.read_text(encoding="utf-8")):
        assert one.why
        assert one.instead
