"""A tree on this machine, where a build would let BuildKit fetch it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.errors import SupplyError
from bakehouse.model.lock import Lock
from bakehouse.model.matrix import SourceTree
from bakehouse.model.places import GitPlace, PathPlace
from bakehouse.supply.context import SupplyContext
from bakehouse.supply.registry import EngineRegistries
from bakehouse.supply.trees import tree_of
from bakehouse.system import process

ENGINE = Engine(kind="external", host=None, version="", buildx="", containerd_store=False)


def context(root: Path, **environ: str) -> SupplyContext:
    return SupplyContext(
        cache=root / "cache",
        root=root,
        environ=environ,
        machine="x86_64",
        lock=Lock(),
        registries=EngineRegistries(engine=ENGINE, environ=environ),
        say=lambda _: None,
    )


def source(revision: str, *places: GitPlace | PathPlace) -> SourceTree:
    return SourceTree(revision=revision, committed=datetime(2026, 1, 1, tzinfo=UTC), places=places)


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, str]:
    """A git repository with one commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "file").write_text("text")
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    env = {**os.environ, **settings}
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "x"]):
        process.run([*git, *words], env=env)
    return folder, process.run([*git, "rev-parse", "HEAD"], env=env).stdout.strip()


def test_a_commit_is_fetched_once(tmp_path: Path, repository: tuple[Path, str]) -> None:
    folder, revision = repository
    pinned = source(revision, GitPlace(git=f"file://{folder}"))
    tree = tree_of("tree", pinned, context=context(tmp_path))
    assert [path.name for path in tree.iterdir()] == ["file"]
    folder.rename(tmp_path / "gone")
    assert tree_of("tree", pinned, context=context(tmp_path)) == tree


def test_the_next_place_is_asked(tmp_path: Path, repository: tuple[Path, str]) -> None:
    folder, _ = repository
    pinned = source("f" * 40, GitPlace(git=f"file://{folder}"), PathPlace(path="repository"))
    assert tree_of("tree", pinned, context=context(tmp_path)) == folder
    assert not (tmp_path / "cache/sources/git" / ("f" * 40) / "tree").exists()


def test_no_place_has_it(tmp_path: Path) -> None:
    pinned = source("f" * 40, GitPlace(git="https://example.org/x.git"), PathPlace(path="nowhere"))
    offline = replace(context(tmp_path), environ={"BAKEHOUSE_OFFLINE": "1"})
    with pytest.raises(SupplyError, match=r"no source tree \(tried: .*not asked, BAKEHOUSE_OFFLINE.*does not exist"):
        tree_of("tree", pinned, context=offline)
