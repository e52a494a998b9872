"""Small files of every kind with a wrong word each, and good ones. Each says in its last lines what is found in it.

`pytest tests/unit/servers/llama_cpp/lint/test_words.py --regenerate` writes those lines anew; review them as a diff.
"""

from __future__ import annotations

import contextlib
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import InputError, InputErrors
from bakehouse.lint.examined import Examined
from bakehouse.lint.finding import Severity
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_revision import AtHand
from bakehouse.servers.llama_cpp.lint.inputs import check_input
from bakehouse.servers.llama_cpp.lint.known_options import load_knowledge
from tests.unit.projects import ROOT
from tests.unit.servers.llama_cpp.lint.test_check_dockerfile import pinned, the_matrix

FOLDER = ROOT / "tests/golden/lint/words"
MARK = "# finds\n"
FILES = sorted(FOLDER.iterdir())


@cache
def basis() -> Basis:
    options = pinned()
    return Basis(
        options=options,
        knowledge=load_knowledge(),
        matrix=the_matrix(),
        at_hand=AtHand(commit=options.revision, build=11312, package="0.3.36"),
    )


def examine(text: str, *, file: str) -> Examined:
    return check_input(text, file=file, basis=basis(), read=lambda _: None)


def lines(examined: Examined) -> list[str]:
    """Errors and warnings, and notes that were errors of another revision."""
    return [
        f"# {one.where.line} {one.severity} {one.subject} {one.what}{f' | {one.instead}' if one.instead else ''}"
        for one in examined.findings
        if one.severity is not Severity.NOTE or one.by_revision or "is checked against" in one.what
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_gives_what_it_says(path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text(encoding="utf-8")
    before = text.partition(MARK)[0]
    found = "".join(f"{line}\n" for line in lines(examine(before, file=path.name)))
    if request.config.getoption("--regenerate"):
        path.write_text(before + (MARK + found if found else ""), encoding="utf-8")
        text = path.read_text(encoding="utf-8")
    assert found == text.partition(MARK)[2]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_backend_is_left_out(path: Path) -> None:
    """Advice that names another backend than the one that was meant, or none, makes an image for the CPU."""
    switches = set(pinned().cmake.switches)
    for one in examine(path.read_text(encoding="utf-8").partition(MARK)[0], file=path.name).findings:
        option = one.subject.removeprefix("-D").partition("=")[0]
        if option in switches:
            assert "leave it out" not in one.instead


@given(data=st.data())
def test_broken_files_are_told_or_read(data: st.DataObject) -> None:
    """Whatever is cut out of a file or put into it: findings or an InputError, and nothing else."""
    path = data.draw(st.sampled_from(FILES))
    text = path.read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 20))
    inserted = data.draw(st.text(alphabet="${}[]()<>&|'\"\\\n\t :-!*=,ab\0", max_size=12))
    broken = text[:start] + inserted + text[start + length :]
    with contextlib.suppress(InputError, InputErrors):
        examine(broken, file=path.name)
