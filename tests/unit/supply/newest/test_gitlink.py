from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.supply.newest.gitlink import commit_of
from tests.unit.supply.newest.conftest import index_with

ONE, OTHER = "ab" * 20, "cd" * 20


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("index") / "clone"
    return index_with(folder, gitlinks={"vendor/tree": ONE, "vendor/tree.other": OTHER}, files=9)


def test_the_commit_of_a_submodule_as_git_wrote_it(index: bytes) -> None:
    assert commit_of(index, "vendor/tree") == ONE
    assert commit_of(index, "vendor/tree.other") == OTHER
    assert commit_of(index, "vendor") is None
    assert commit_of(index, "file-") is None, "a file is no submodule"
    assert commit_of(b"", "vendor/tree") is None


@given(st.data())
def test_a_damaged_index_says_nothing_or_the_truth(index: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(index)))
    garbage = data.draw(st.binary(max_size=40))
    assert commit_of(index[:cut] + garbage, "vendor/none") is None
    assert commit_of(index[:cut], "vendor/tree") in (None, ONE)


def test_an_index_of_another_version_says_nothing(tmp_path: Path) -> None:
    index = index_with(tmp_path / "clone", gitlinks={"vendor/tree": ONE})
    assert commit_of(index[:7] + b"\4" + index[8:], "vendor/tree") is None
