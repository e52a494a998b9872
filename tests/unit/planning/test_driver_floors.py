from __future__ import annotations

import pytest

from bakehouse.model.build import Backend, DriverDemand
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import FlagSet, Toolkit
from bakehouse.planning.driver_floors import demands, highest, with_floors_of_cell
from tests.unit.projects import matrix
from tests.unit.worlds import build

ARCHS = {
    "sm_70": {"accelerator": "cuda", "last_driver": "580"},
    "sm_86": {"accelerator": "cuda", "first_driver": "455"},
    "sm_90": {"accelerator": "cuda", "first_driver": "520"},
    "sm_120": {"accelerator": "cuda", "first_driver": "570"},
    "sm_121": {"accelerator": "cuda", "first_driver": "580.95"},
}
WORLD = matrix(archs=ARCHS, sources={})
CUDA = Toolkit(
    accelerator=AcceleratorName.CUDA,
    version="12.9.1",
    build_base="x",
    driver_floor="575.57.08",
    driver_floor_minor="525",
)
DEMAND = DriverDemand(option="COMPRESS", values=("size",), first_toolkit="12.8", driver="550.54.14", reason="x")
BACKEND = Backend(plugins=("ggml-cuda",), cmake={"COMPRESS": "size"}, driver_demands=(DEMAND,))
PLAIN = FlagSet(summary="x", accelerators=(AcceleratorName.CUDA,))
RAW = PLAIN.model_copy(update={"cmake": {"COMPRESS": "none"}})


def floors(*archs: str, toolkit: Toolkit = CUDA, flag_set: FlagSet = PLAIN) -> tuple[str | None, str | None]:
    row = with_floors_of_cell(toolkit, archs, BACKEND, flag_set, build(WORLD, {}).matrix)
    return row.driver_floor_minor, row.driver_floor


@pytest.mark.parametrize(
    ("archs", "minor", "full"),
    [
        (["sm_86"], "550.54.14", "575.57.08"),
        (["sm_70"], "550.54.14", "575.57.08"),
        (["sm_120"], "570", "575.57.08"),
        (["sm_121"], "580.95", "580.95"),
        (["sm_86", "sm_120"], "550.54.14", "575.57.08"),
        (["sm_120", "sm_121"], "570", "575.57.08"),
        (["sm_70", "sm_120"], "550.54.14", "575.57.08"),
    ],
)
def test_the_floor_is_that_of_the_most_demanding_and_of_the_oldest_card(
    archs: list[str], minor: str, full: str
) -> None:
    assert floors(*archs) == (minor, full)


def test_code_that_is_not_compressed_runs_on_the_toolkits_own_floor() -> None:
    assert floors("sm_86", flag_set=RAW) == ("525", "575.57.08")
    plugin_of_its_own = RAW.model_copy(update={"plugins": ("ggml-x",)})
    assert floors("sm_86", flag_set=plugin_of_its_own) == ("550.54.14", "575.57.08"), "its options go elsewhere"


def test_an_older_toolkit_does_not_hear_the_option() -> None:
    old = CUDA.model_copy(update={"version": "12.4.1", "driver_floor": "550.54.15"})
    assert floors("sm_86", toolkit=old) == ("525", "550.54.15")


def test_a_toolkit_without_floors_stays_as_it_is() -> None:
    rocm = Toolkit(accelerator=AcceleratorName.ROCM, version="7.2.1", build_base="x")
    assert with_floors_of_cell(rocm, ("sm_120",), BACKEND, PLAIN, build(WORLD, {}).matrix) is rocm


def test_a_toolkit_with_one_floor_gets_no_second_one() -> None:
    strict = CUDA.model_copy(update={"driver_floor_minor": None})
    assert floors("sm_121", toolkit=strict) == (None, "580.95")


def test_who_asks_for_it_is_known() -> None:
    found = demands(CUDA, ("sm_120",), BACKEND, PLAIN, build(WORLD, {}).matrix)
    assert [(one.by, one.name, one.driver) for one in found] == [
        ("toolkit", "", "525"), ("arch", "sm_120", "570"), ("option", "COMPRESS", "550.54.14"),
    ]  # fmt: skip
    assert highest(found).reason == "no older driver knows sm_120"
