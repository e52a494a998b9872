from pathlib import Path

from tests.unit.prove.builders import PROMISE, bake

from bakehouse.model.report import Check
from bakehouse.model.words import Verdict
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import MOST_DETAILS, judge
from bakehouse.prove.image import ImageAtRest
from bakehouse.prove.run import CHECKS, prove


def test_the_good_image_passes_every_check(tmp_path: Path) -> None:
    checks = prove(bake(tmp_path), PROMISE)

    assert [check.name for check in checks] == list(CHECKS)
    assert {check.name: check.message for check in checks if check.verdict is not Verdict.PASSED} == {}


def test_a_check_that_breaks_is_errored_and_the_others_go_on(tmp_path: Path) -> None:
    def broken(_image: ImageAtRest, _expectation: Expectation) -> Check:
        raise LookupError("no such thing")

    checks = prove(bake(tmp_path), PROMISE, checks={"broken": broken, "labels": CHECKS["labels"]})

    assert [(check.name, check.verdict) for check in checks] == [
        ("broken", Verdict.ERRORED),
        ("labels", Verdict.PASSED),
    ]
    assert checks[0].message == "LookupError: no such thing"


def test_one_problem_is_the_message_and_many_are_counted() -> None:
    assert judge("x", ["one"], passed="").details == []
    many = judge("x", [f"p{index}" for index in range(100)], passed="")
    assert many.message == "p0 (and 99 more)"
    assert len(many.details) == MOST_DETAILS + 1
    assert many.details[-1] == "... and 40 more"
