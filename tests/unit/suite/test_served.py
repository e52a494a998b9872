"""A suite over a server that somebody else has started: what is asked, what is not run, and what rates are worth."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.model.enums import Disturbance, Grade, Verdict
from bakehouse.model.report import Measurement, TestResult
from bakehouse.model.suite import Served, Suite
from bakehouse.suite.ground import ThisMachine
from bakehouse.suite.results import CellResult
from bakehouse.suite.run import run_suite
from bakehouse.suite.served import NOT_RUN
from tests.doubles.fake_server import Behaviour, fake_server
from tests.unit.suite.test_kinds_of_work import TOKENS
from tests.unit.suite.test_run import subject

SHIPPED = Path(__file__).parents[3] / "tests/images"
OWN = """
def test_engine(subject, engine):
    raise AssertionError("there is none")

def test_asks(subject, server, devices):
    assert server.url.startswith("http://127.0.0.1:")
    assert devices.name == "NVIDIA A card"
    assert server.container.state().running
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> CellResult:
    """Of a good server that first loads, on a platform that is not this machine's."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "run").mkdir()
    (folder / "test_smoke.py").write_text(OWN)
    asked = subject("a", "linux/riscv64").model_copy(update={"workload": TOKENS})
    with fake_server(Behaviour(loading=3)) as url:
        suite = Suite(
            run="r",
            run_folder=str(folder / "run"),
            cache=str(folder / "cache"),
            is_fixed=True,
            served=Served(url=url, device="NVIDIA A card"),
            subjects=[asked.model_copy(update={"workload": TOKENS.model_copy(update={"starts": 1})})],
        )
        tests = (folder / "test_smoke.py", SHIPPED / "test_health.py", SHIPPED / "test_throughput.py")
        outcome = run_suite(
            suite, ground=ThisMachine(engine=None), image_tests=tests, recipe_test_folders=[], workers=1
        )
    assert outcome.complete, outcome.log.read_text()
    return outcome.cells["a"]


def named(found: CellResult, verdict: Verdict) -> dict[str, TestResult]:
    return {test.name.rpartition("::")[2]: test for test in found.tests if test.verdict is verdict}


def test_it_is_asked_what_can_be_asked(found: CellResult) -> None:
    passed = named(found, Verdict.PASSED)
    assert set(passed) == {
        "test_asks",
        "test_becomes_ready",
        "test_says_that_it_loads",
        "test_stays_ready",
        "test_rates",
    }
    assert passed["test_says_that_it_loads"].message == "503 was seen 3 times"
    assert passed["test_becomes_ready"].message.endswith(" s of asking")
    assert not named(found, Verdict.FAILED)


def test_what_needs_a_container_of_its_own_is_not_run_and_says_so(found: CellResult) -> None:
    skipped = named(found, Verdict.SKIPPED)
    own = {
        "test_engine",
        "test_ends_on_sigterm",
        "test_docker_sees_it_healthy",
        "test_can_answer_as_soon_as_it_says_200",
    }
    assert own <= set(skipped)
    assert {skipped[name].message for name in own} == {NOT_RUN}
    assert not any(test.container_log for test in found.tests)


def test_its_rates_are_noisy_and_compared_with_no_other_way_of_starting(found: CellResult) -> None:
    rates: dict[str, Measurement] = {one.metric: one for one in found.measurements}
    assert {"prompt_rate", "decode_rate"} <= set(rates)
    assert not {"memory", "time_to_healthy"} & set(rates), "nobody here knows them"
    assert rates["decode_rate"].grade is Grade.NOISY
    assert rates["decode_rate"].grading
    assert Disturbance.ELSEWHERE in rates["decode_rate"].grading.disturbances
    assert rates["decode_rate"].settings["device"] == "NVIDIA A card"
    assert rates["decode_rate"].settings["arguments"] == {"as": "somebody else started it"}
