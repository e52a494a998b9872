"""What is made of a pytest that ended. The whole suite runs in tests/engine/test_suite.py."""

from __future__ import annotations

from pathlib import Path
from platform import machine

import pytest

from bakehouse.engine.connection import ARCHITECTURES, Engine
from bakehouse.model.enums import Verdict
from bakehouse.model.recipe import Health
from bakehouse.model.suite import Subject, Suite
from bakehouse.suite.ground import ThisMachine
from bakehouse.suite.run import SuiteResult, run_suite

HERE = f"linux/{ARCHITECTURES[machine()]}"
ENGINE = Engine(kind="external", host="unix:///nowhere.sock", version="", buildx="", containerd_store=True)

DIES = """
import os

def test_a(subject):
    pass

def test_b(subject):
    os._exit({code})
"""


def subject(cell: str, platform: str) -> Subject:
    return Subject(
        server="llama.cpp",
        cell=cell,
        recipe="server",
        accelerator="cpu",
        reference=f"bakehouse/{cell}",
        digest="sha256:0",
        platform=platform,
        port=8080,
        version="1",
        plugins=[],
        health=Health(),
        memory_limit="1 GiB",
        model_path="/m.gguf",
    )


def run(tmp_path: Path, test: str, *cells: str, platform: str = HERE, workers: int = 1) -> SuiteResult:
    images, folder = tmp_path / "images", tmp_path / "run"
    images.mkdir(exist_ok=True)
    folder.mkdir()
    (images / "test_smoke.py").write_text(test, encoding="utf-8")
    suite = Suite(
        run="r",
        run_folder=str(folder),
        cache=str(tmp_path / "cache"),
        subjects=[subject(cell, platform) for cell in cells],
    )
    return run_suite(
        suite, ground=ThisMachine(engine=ENGINE), image_tests=(images,), recipe_test_folders=[], workers=workers
    )


@pytest.mark.parametrize("code", [3, 0])
def test_a_pytest_that_dies_is_an_infrastructure_error_of_what_it_had_not_done(tmp_path: Path, code: int) -> None:
    outcome = run(tmp_path, DIES.format(code=code), "a")
    first, second = outcome.cells["a"].tests
    assert not outcome.complete
    assert (first.name, first.verdict) == ("test_smoke.py::test_a", Verdict.PASSED)
    assert (second.name, second.verdict) == ("test_smoke.py::test_b", Verdict.ERRORED)
    assert f"pytest ended with status {code} before this test had a result" in second.message


def test_an_image_for_another_machine_is_left_alone_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text('#!/bin/sh\necho \'{"Architecture": "riscv64"}\'\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:/usr/bin:/bin")
    outcome = run(tmp_path, "def test_a(subject):\n    raise AssertionError('it ran')\n", "a", platform="linux/s390x")
    (result,) = outcome.cells["a"].tests
    assert result.verdict == Verdict.SKIPPED
    assert result.message.startswith("it was proved at rest, and cannot be started here: the image is for linux/s390x")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_cannot_be_read_passes_nothing_although_others_can(tmp_path: Path, workers: int) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "test_health.py").write_text("import nonsense\n", encoding="utf-8")
    outcome = run(tmp_path, "def test_a(subject):\n    pass\n", "a", "b", workers=workers)
    assert not outcome.complete
    for cell in ("a", "b"):
        errored = [test for test in outcome.cells[cell].tests if test.verdict is Verdict.ERRORED]
        assert errored
        assert "No module named 'nonsense'" in errored[0].message
