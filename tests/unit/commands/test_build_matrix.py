"""The steps of a run without an engine: no base can be had, so that nothing is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bakehouse.commands.build_matrix import build_matrix
from bakehouse.engine.connection import Engine
from bakehouse.errors import ExitCode, InputError
from bakehouse.model.cell import Cell
from bakehouse.model.enums import Verdict
from bakehouse.model.report import RunReport
from bakehouse.pipeline import open_job, run_steps, stages
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.job import Options
from bakehouse.planning.select import Selection
from bakehouse.reporters import json_file
from bakehouse.supply.chain import Gathered
from tests.unit.projects import write_project

TEMPLATES = {"server.Dockerfile.j2": "FROM debian AS image\n"}
INFO = {"Name": "gpu-box", "Architecture": "aarch64", "NCPU": 20, "OperatingSystem": "Debian GNU/Linux 13"}
ENGINE = Engine(
    kind="external", host="ssh://gpu-box", version="28.0.1", buildx="0.20.1", containerd_store=True, info=INFO
)
OPTIONS = Options(selection=Selection(everything=True))


@contextmanager
def _opened(context: Context, *, install: bool) -> Iterator[Engine]:
    assert install
    yield ENGINE


def _gathered(*_: Any, cells: Sequence[Cell], lock: Any, **__: Any) -> Gathered:
    missing: dict[Any, str] = {("base", name): "tried: nothing" for cell in cells for name in cell.bases}
    return Gathered(bases={}, sources={}, models={}, supplied=[], lock=lock, missing=missing)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    root = tmp_path / "project"
    root.mkdir()
    write_project(root, templates=TEMPLATES)
    monkeypatch.setattr(open_job, "open_engine", _opened)
    monkeypatch.setattr(open_job, "gather_for", _gathered)
    monkeypatch.setattr(open_job, "check_room", lambda *_: None)
    for module in (open_job, run_steps):
        monkeypatch.setattr(module, "reap", lambda *_, **__: None)
    environ = {"BAKEHOUSE_OFFLINE": "1", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    return Context(
        root=root, cache=tmp_path / "cache", environ=environ, console=Console(quiet=True), command=("build-matrix",)
    )


def _runs(context: Context) -> list[RunReport]:
    return [json_file.read(path.parent) for path in sorted(context.reports.glob("2*/run.json"))]


def test_what_cannot_be_had_is_recorded_and_fails_the_run(context: Context) -> None:
    assert build_matrix(context, OPTIONS) is ExitCode.CELL_FAILED
    (run,) = _runs(context)
    assert run.finished is not None
    assert run.command == ["build-matrix"]
    assert (run.host.name, run.host.platform, run.host.cores) == ("gpu-box", "linux/arm64", 20)
    assert (run.host.cpu, run.host.gpus) == ("unknown (another machine)", [])
    (cell,) = run.cells
    assert (cell.verdict, cell.reason) == (Verdict.ERRORED, "no base debian (tried: nothing)")


def test_a_run_that_is_cut_off_goes_on_in_its_folder(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(_: object) -> None:
        raise KeyboardInterrupt

    bake = stages.bake
    monkeypatch.setattr(stages, "bake", cut)
    with pytest.raises(KeyboardInterrupt):
        build_matrix(context, OPTIONS)
    (first,) = _runs(context)
    assert first.finished is None
    monkeypatch.setattr(stages, "bake", bake)
    build_matrix(context, OPTIONS)
    (run,) = _runs(context)
    assert run.run == first.run
    assert run.finished is not None


def test_a_gate_that_compares_nothing_is_refused(context: Context) -> None:
    options = Options(selection=Selection(everything=True), quick=True, fail_on_regression=True)
    with pytest.raises(InputError, match="has nothing to go by"):
        build_matrix(context, options)
    assert not context.reports.exists()
