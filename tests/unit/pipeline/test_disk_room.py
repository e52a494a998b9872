from __future__ import annotations

import io
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bakehouse.engine.connection import Engine
from bakehouse.errors import InfrastructureError
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.disk_room import GIB, LEAST, check_room, room_needed
from bakehouse.planning.resolve import resolve
from tests.unit.projects import world

Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 - what shutil.disk_usage gives


@pytest.fixture
def context(tmp_path: Path) -> Context:
    console = Console(file=io.StringIO(), width=1000)
    return Context(root=tmp_path, cache=tmp_path / "not" / "yet", environ={}, console=console)


def free(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2 * room, room, room))


def said(context: Context) -> str:
    assert isinstance(context.console.file, io.StringIO)
    return context.console.file.getvalue()


ENGINE = Engine(kind="embedded", host="unix:///x", version="28", buildx="0.20", containerd_store=True)


def test_what_is_needed_grows_with_the_cells(tmp_path: Path) -> None:
    one = world(tmp_path)
    cells = resolve(one).cells
    small = room_needed(cells, one.matrix)
    assert 2 * GIB < small < room_needed([*cells, *cells], one.matrix)


def test_no_room_at_all_ends_the_run_before_it_starts(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, LEAST - 1)
    one = world(tmp_path)
    with pytest.raises(InfrastructureError, match="No space left on device"):
        check_room(context, ENGINE, resolve(one).cells, one.matrix)


def test_room_that_may_not_do_is_told_and_tried(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = world(tmp_path)
    cells = resolve(one).cells
    free(monkeypatch, LEAST + 1)
    check_room(context, ENGINE, cells, one.matrix)
    assert "is free in" in said(context)
    assert str(context.cache) in said(context)


def test_enough_room_and_an_engine_with_a_disk_of_its_own_are_no_matter(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = world(tmp_path)
    cells = resolve(one).cells
    free(monkeypatch, 10**15)
    check_room(context, ENGINE, cells, one.matrix)
    free(monkeypatch, LEAST + 1)
    check_room(context, replace(ENGINE, kind="external"), cells, one.matrix)
    assert not said(context)
