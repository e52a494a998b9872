from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from bakehouse.errors import InputError
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Toolkit
from bakehouse.planning.driver_support import parse, runs, why

CUDA = Toolkit(
    accelerator=AcceleratorName.CUDA,
    version="12.9.1",
    build_base="x",
    driver_floor="575.57.08",
    driver_floor_minor="525",
)
STRICT = CUDA.model_copy(update={"driver_floor_minor": None})
ROCM = Toolkit(accelerator=AcceleratorName.ROCM, version="7.2.1", build_base="x")


@pytest.mark.parametrize(
    ("driver", "toolkit", "answer", "reason"),
    [
        ("575.57.08", CUDA, "full", "CUDA 12.9.1 has all features from driver 575.57.08 on"),
        (
            "575.57.07",
            CUDA,
            "native-only",
            "driver 575.57.07 runs native code of CUDA 12.9.1, but compiles no PTX: that takes 575.57.08",
        ),
        ("575", CUDA, "full", "all features"),
        ("574", CUDA, "native-only", "driver 574 runs native code"),
        ("525", CUDA, "native-only", "driver 525 runs native code"),
        ("470.256", CUDA, "no", "too old for CUDA 12.9.1: it takes 525, and 575.57.08 for all features"),
        ("570.26", STRICT, "no", "driver 570.26 is too old for CUDA 12.9.1: it takes 575.57.08"),
        ("400", ROCM, "full", "ROCm 7.2.1 asks for no version of the driver"),
    ],
)
def test_a_driver_runs_all_of_a_toolkit_its_native_code_or_nothing(
    driver: str, toolkit: Toolkit, answer: str, reason: str
) -> None:
    assert runs(parse(driver), toolkit) == answer
    assert reason in why(parse(driver), toolkit)


@pytest.mark.parametrize(
    "text", ["", "latest", "v575.57", "575.57.08.01", "575.", "575 57", "-1", "5350", "\u0665\u0667\u0665"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no version of a driver") as caught:
        parse(text)
    assert "nvidia-smi" in str(caught.value)


def test_a_version_of_cuda_is_told_from_a_drivers() -> None:
    with pytest.raises(InputError, match="It looks like a version of CUDA"):
        parse("12.4")


@given(
    left=st.tuples(st.integers(100, 999), st.integers(0, 300)),
    right=st.tuples(st.integers(100, 999), st.integers(0, 300)),
)
def test_a_newer_driver_never_runs_less(left: tuple[int, int], right: tuple[int, int]) -> None:
    rank = {"no": 0, "native-only": 1, "full": 2}
    older, newer = sorted((Version("{}.{}".format(*left)), Version("{}.{}".format(*right))))
    assert rank[runs(older, CUDA)] <= rank[runs(newer, CUDA)]


def test_a_version_is_told_as_it_was_written() -> None:
    assert str(parse("575.57.08")) == "575.57.08"


def test_a_branch_may_be_written_as_nvidia_does() -> None:
    assert parse("R550") == parse("r550") == parse("550")
    for text in ("R55", "R550.54", "v550", "550-open", "R", "31.0.15.3667"):
        with pytest.raises(InputError):
            parse(text)
