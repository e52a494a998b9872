from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bakehouse.model.matrix import SourceTree
from bakehouse.model.places import GitPlace, PathPlace, PyPIPlace, SourcePlace
from bakehouse.supply.newest.move import News
from bakehouse.supply.newest.sources import newest_source
from tests.unit.supply.conftest import Index, WebServer
from tests.unit.supply.newest.conftest import Git, index_with, sdist
from tests.unit.supply.test_trees import context

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
PACKAGE = PyPIPlace.model_validate({"pypi": {"requirement": "tree-python==1.0", "member": "vendor/tree"}})


def ask(root: Path, source: SourceTree, **environ: str) -> News:
    return newest_source("tree", source, context(root, PATH=os.environ["PATH"], HOME=str(root), **environ))


def source(revision: str, *places: SourcePlace, build: int = 0) -> SourceTree:
    return SourceTree(revision=revision, committed=OCTOBER, build_number=build, places=places)


def moves(news: News) -> dict[str, str]:
    return {".".join(map(str, move.path[2:])): move.new for move in news.moves}


def package(web: WebServer, root: Path, version: str, commit: str | None) -> Index:
    """An index with a release whose sdist carries its clone's index."""
    index = Index(web)
    files = {"vendor/tree/file": b"x"}
    if commit:
        files[".git/index"] = index_with(root / f"clone-{version}", gitlinks={"vendor/tree": commit})
    for number in ("1.0", version, f"{version}.1rc1"):
        name = f"tree_python-{number}"
        index.add("tree-python", f"{name}.tar.gz", sdist(name, files))
    return index


def test_the_newest_build_of_git(tmp_path: Path, git: Git) -> None:
    old = git.commit("2026-10-01", "b9", "v99.0")
    new = git.commit("2026-11-20", "b10")
    git.commit("2026-11-27")
    news = ask(tmp_path, source(old, GitPlace(git=git.address), build=9))
    assert moves(news) == {"revision": new, "build_number": "10", "committed": "2026-11-20T10:00:00Z"}
    news = ask(tmp_path, source(new, GitPlace(git=git.address), build=10))
    assert (news.moves, news.notes, news.silent) == ((), ("b10 is the newest",), ())


def test_without_builds_the_newest_version_then_the_branch(tmp_path: Path, git: Git) -> None:
    old = git.commit("2026-10-01")
    assert moves(ask(tmp_path, source("f" * 40, GitPlace(git=git.address))))["revision"] == old
    git.commit("2026-10-02", "v1.9")
    new = git.commit("2026-10-03", "v1.10", annotated=True)
    git.commit("2026-10-04", "v2.0rc1", "strange")
    assert moves(ask(tmp_path, source(old, GitPlace(git=git.address)))) == {
        "revision": new,
        "committed": "2026-10-03T10:00:00Z",
    }


def test_nothing_moves_back(tmp_path: Path, git: Git) -> None:
    git.commit("2026-09-01", "v1.0")
    pinned = git.commit("2026-10-05")
    news = ask(tmp_path, source(pinned, GitPlace(git=git.address)))
    assert news.notes == ("stays: v1.0, the newest, is older than the revision that is pinned",)


def test_a_source_that_a_package_brings_too_moves_with_the_package(tmp_path: Path, git: Git, web: WebServer) -> None:
    old = git.commit("2026-10-01", "b9")
    held = git.commit("2026-11-20", "b10")
    git.commit("2026-11-27", "b11")
    index = package(web, tmp_path, "1.1", held)
    news = ask(tmp_path, source(old, GitPlace(git=git.address), PACKAGE, build=9), **index.environ)
    assert moves(news) == {
        "revision": held,
        "build_number": "10",
        "committed": "2026-11-20T10:00:00Z",
        "places.1.pypi.requirement": "tree-python==1.1",
    }


def test_a_place_that_is_silent_keeps_everything_as_it_is(tmp_path: Path, git: Git, web: WebServer) -> None:
    held = git.commit("2026-11-20", "b10")
    index = package(web, tmp_path, "1.1", held)
    nowhere = GitPlace(git=f"file://{tmp_path}/nowhere")
    news = ask(tmp_path, source("f" * 40, nowhere, PACKAGE, build=9), **index.environ)
    assert news.moves == ()
    assert news.silent == (
        f"git file://{tmp_path}/nowhere cannot be reached: '{tmp_path}/nowhere' does not appear to be a git repository",
    )
    assert news.notes == ("the index has tree-python 1.1",)
    news = ask(tmp_path, source("f" * 40, GitPlace(git=git.address), PACKAGE, build=9), PIP_INDEX_URL=web.url("/none"))
    assert news.moves == ()
    assert "has no tree-python" in news.silent[0]
    assert news.notes == (f"git has b10 ({held[:9]})",)


@pytest.mark.parametrize(
    ("commit", "build", "why"),
    [
        (None, 0, "tree-python==1.1 does not say which commit its vendor/tree is"),
        ("a" * 40, 9, "tree-python==1.1 does not say its build number, and there is no git address to ask"),
        ("a" * 40, 0, "it is unknown when the commit of tree-python==1.1 was made"),
    ],
)
def test_a_package_alone_must_say_everything(
    tmp_path: Path, web: WebServer, commit: str | None, build: int, why: str
) -> None:
    index = package(web, tmp_path, "1.1", commit)
    assert ask(tmp_path, source("f" * 40, PACKAGE, build=build), **index.environ).notes == (f"stays: {why}",)


def test_nobody_is_asked_offline_or_where_nobody_could_be(tmp_path: Path, git: Git) -> None:
    git.commit("2026-11-20", "b10")
    news = ask(tmp_path, source("f" * 40, GitPlace(git=git.address)), BAKEHOUSE_OFFLINE="1")
    assert news.silent == ("not asked, BAKEHOUSE_OFFLINE is set",)
    news = ask(tmp_path, source("f" * 40, PathPlace(path="tree")))
    assert news.notes == ("stays: it has no git address and no package that could be asked",)
