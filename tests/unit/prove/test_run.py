from pathlib import Path

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Check
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import MOST_DETAILS, judge
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.run import CHECKS, prove
from tests.unit.prove.builders import PROMISE, bake
from tests.unit.prove.cards import CUDA_PROMISE, bake_cuda


def test_the_good_image_passes_every_check(tmp_path: Path) -> None:
    checks = prove(bake(tmp_path), PROMISE)

    assert [check.name for check in checks] == list(CHECKS)
    assert {check.name: check.message for check in checks if check.verdict is not Verdict.PASSED} == {
        "native-code": "a CPU image holds no code for a GPU",
        "ptx": "only CUDA has PTX",
        "cuobjdump": "only CUDA has it",
        "driver-floor": "nothing of the host's driver is loaded into this image but what the kernel gives",
    }


def test_a_good_cuda_image_passes_every_check_but_the_one_that_lacks_its_program(tmp_path: Path) -> None:
    checks = prove(bake_cuda(tmp_path), CUDA_PROMISE)

    assert {check.name: check.message for check in checks if check.verdict is not Verdict.PASSED} == {
        "cuobjdump": "there is no cuobjdump: it was not fetched; native-code stands alone; "
        "run `python -m bakehouse lock` once with a network, to have it in the cache",
    }


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
