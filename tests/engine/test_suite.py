"""A real pytest with real workers, over tests that start no container. Slow, so it stands here."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.model.enums import Verdict
from bakehouse.model.recipe import Health
from bakehouse.model.report import TestResult
from bakehouse.model.suite import Subject, Suite, Workload
from bakehouse.suite.ground import ThisMachine
from bakehouse.suite.run import SuiteResult, run_suite

ENGINE = Engine(kind="external", host="unix:///nowhere.sock", version="", buildx="", containerd_store=True)

SMOKE = """
    import os
    import pytest
    from bakehouse.errors import EngineError
    from bakehouse.probes import ProbeFailed

    def test_passes(subject, note):
        note(f"saw {subject.cell}")

    def test_fails(subject):
        raise ProbeFailed("the image is wrong", hint="mend it")

    def test_asserts(subject):
        assert subject.port == 1

    def test_skips(subject):
        pytest.skip("no such card")

    @pytest.fixture
    def engine_that_went_away():
        raise EngineError("gone")

    def test_errors(subject, engine_that_went_away):
        pass

    @pytest.mark.parametrize("how", ["one", "two"])
    def test_more(subject, how, suite):
        (os.open(f"{suite.run_folder}/{subject.cell}-{os.getpid()}", os.O_CREAT))
"""
THROUGHPUT = """
    from bakehouse.model.report import Measurement, Sample

    def test_rates(subject, record_measurement):
        sample = Sample(start=0, repetition=0, value=0, verdict="void", reason="disturbed")
        record_measurement(
            [Measurement(workload="pp512", metric="prompt_rate", unit="tokens/s", samples=[sample])]
        )
"""
CHAT = """
    def test_chats(subject):
        assert subject.recipe == "chatty"
"""


WORKLOAD = Workload(
    model_path="/m.gguf", model_sha256="0" * 64, prompt_tokens=512, output_tokens=128, starts=1, repetitions=1
)


def subject(cell: str, recipe: str = "server", *, model: str | None = "/m.gguf") -> Subject:
    return Subject(
        cell=cell,
        recipe=recipe,
        accelerator="cpu",
        reference=f"bakehouse/{cell}",
        digest="sha256:0",
        platform="linux/amd64",
        port=8080,
        version="1",
        plugins=[],
        health=Health(),
        memory_limit="1 GiB",
        model_path=model,
        server="llama.cpp",
        workload=WORKLOAD if model else None,
    )


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")


def run(tmp_path: Path, subjects: list[Subject], *, workers: int = 1, **hooks: object) -> SuiteResult:
    folder = tmp_path / "run"
    folder.mkdir()
    suite = Suite(run="r", run_folder=str(folder), cache=str(tmp_path / "cache"), subjects=subjects)
    return run_suite(
        suite,
        ground=ThisMachine(engine=ENGINE),
        image_tests=(tmp_path / "images",),
        recipe_test_folders=[tmp_path / "recipes/chatty/tests"],
        workers=workers,
        **hooks,  # type: ignore[arg-type]
    )


def by_name(outcome: SuiteResult, cell: str) -> dict[str, TestResult]:
    return {test.name: test for test in outcome.cells[cell].tests}


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    write(tmp_path / "images/test_smoke.py", SMOKE)
    write(tmp_path / "images/test_throughput.py", THROUGHPUT)
    write(tmp_path / "recipes/chatty/recipe.yaml", "")
    write(tmp_path / "recipes/chatty/tests/test_chat.py", CHAT)
    return tmp_path


def test_verdicts_names_and_messages(tests: Path) -> None:
    seen: list[tuple[str, str]] = []
    outcome = run(
        tests,
        [subject("a"), subject("b", "chatty", model=None)],
        workers=2,
        on_result=lambda cell, test: seen.append((cell, test.name)),
    )
    found = by_name(outcome, "a")
    assert outcome.complete
    assert found["test_smoke.py::test_passes"].message == "saw a"
    assert {name.partition("::")[2]: test.verdict for name, test in found.items()} == {
        "test_passes": Verdict.PASSED,
        "test_fails": Verdict.FAILED,
        "test_asserts": Verdict.FAILED,
        "test_skips": Verdict.SKIPPED,
        "test_errors": Verdict.ERRORED,
        "test_more[one]": Verdict.PASSED,
        "test_more[two]": Verdict.PASSED,
        "test_rates": Verdict.VOID,
    }
    assert found["test_smoke.py::test_fails"].message == "the image is wrong\n  mend it"
    assert "assert 8080 == 1" in found["test_smoke.py::test_asserts"].message
    assert found["test_smoke.py::test_skips"].message == "no such card"
    assert found["test_throughput.py::test_rates"].message == "pp512 prompt_rate: disturbed"
    assert found["test_throughput.py::test_rates"].probe == "throughput"
    assert [one.workload for one in outcome.cells["a"].measurements] == ["pp512"]

    other = by_name(outcome, "b")
    assert other["test_chat.py::test_chats"].verdict is Verdict.SKIPPED
    assert other["test_chat.py::test_chats"].probe == "recipe"
    assert other["test_throughput.py::test_rates"].message == "the recipe names no model to serve"
    assert "test_chat.py::test_chats" not in found
    assert sorted(seen) == sorted((cell, name) for cell in "ab" for name in by_name(outcome, cell))
    # One worker a cell: `test_more` left one file for each process that ran it.
    assert len(list((tests / "run").glob("a-*"))) == 1


def test_a_suite_that_cannot_be_collected_leaves_no_cell_without_a_verdict(tests: Path) -> None:
    write(tests / "images/test_smoke.py", "import nothing_of_that_name\n")
    outcome = run(tests, [subject("a"), subject("b")])
    assert not outcome.complete
    for cell in "ab":
        assert {test.verdict for test in outcome.cells[cell].tests} == {Verdict.ERRORED}
        assert "nothing_of_that_name" in outcome.cells[cell].tests[0].message
