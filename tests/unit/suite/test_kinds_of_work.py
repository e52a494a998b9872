"""Which rates are measured of which cell: those that its recipe asks for, and no row for others."""

from __future__ import annotations

from pathlib import Path

from bakehouse.model.enums import Verdict
from bakehouse.model.suite import Subject, Suite, Workload, WorkToMeasure
from bakehouse.model.work import Task
from bakehouse.suite.budget import shares_of
from bakehouse.suite.ground import ThisMachine
from bakehouse.suite.run import run_suite
from tests.unit.suite.test_run import ENGINE, HERE, subject

TESTS = """
def test_work(work_bench):
    assert work_bench.starts == 2
    assert [one.side for one in work_bench.with_baseline()] == ["candidate"]
    assert work_bench.settings()["model_sha256"] == "0" * 64

def test_rates(bench):
    assert bench.starts == 3
"""
TASK = Task.model_validate(
    {
        "name": "embed",
        "unit": "embeddings",
        "http": {"path": "/e", "body": {"input": "{inputs}"}},
        "inputs": {"sentences": 4},
    }
)
WORK = WorkToMeasure(model_sha256="0" * 64, tasks=[TASK], starts=2, repetitions=1)
TOKENS = Workload(
    model_path="/m.gguf", model_sha256="0" * 64, prompt_tokens=8, output_tokens=8, starts=3, repetitions=1
)


def asked(cell: str, **changes: object) -> Subject:
    return subject(cell, HERE).model_copy(update=changes)


def suite_of(tmp_path: Path, *subjects: Subject) -> Suite:
    folder = tmp_path / "run"
    folder.mkdir()
    return Suite(run="r", run_folder=str(folder), cache=str(tmp_path / "cache"), subjects=list(subjects))


def test_a_cell_has_the_tests_of_its_own_kinds_of_work(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / "test_throughput.py").write_text(TESTS, encoding="utf-8")
    subjects = [asked("a", work=WORK), asked("b", workload=TOKENS), asked("c", work=WORK, workload=TOKENS)]
    found = run_suite(
        suite_of(tmp_path, *subjects),
        ground=ThisMachine(engine=ENGINE),
        image_tests=(images,),
        recipe_test_folders=[],
        workers=1,
    )
    names = {cell: {one.name.rpartition("::")[2] for one in cells.tests} for cell, cells in found.cells.items()}
    assert names == {"a": {"test_work"}, "b": {"test_rates"}, "c": {"test_work", "test_rates"}}
    assert {one.verdict for cells in found.cells.values() for one in cells.tests} == {Verdict.PASSED}


def test_each_gets_its_share_of_the_time_in_the_order_in_which_they_come(tmp_path: Path) -> None:
    both = asked("c", work=WORK, workload=TOKENS)
    suite = suite_of(tmp_path, asked("a", work=WORK), both)
    assert shares_of(suite) == {"a work": 2.0, "c rates": 2.0, "c work": 2.0}
    assert shares_of(suite.model_copy(update={"client": "aiperf"})) == {"c loads": 1.0}
