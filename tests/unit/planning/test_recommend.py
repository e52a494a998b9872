from __future__ import annotations

import pytest

from bakehouse.errors import InputError
from bakehouse.machine import Machine
from bakehouse.model.cell import Coordinates, Excluded
from bakehouse.model.enums import AcceleratorName
from bakehouse.planning.gpus import Fit, find_target
from bakehouse.planning.recommend import Advice, advise
from bakehouse.planning.ruled_out import group
from tests.unit.accelerated import MATRIX, accelerated

MACHINE = Machine(platform="linux/amd64", cores=2, cards=())


def advice(gpu: str | None = None, driver: str | None = None, **changes: object) -> Advice:
    found, resolution = accelerated(**changes)
    target = find_target(gpu, found.matrix, MACHINE) if gpu else None
    return advise(resolution.cells, resolution, found.matrix, target=target, driver=driver)


def ranked(said: Advice) -> list[str]:
    return [one.cell.name.removeprefix("server-") for one in said.ranked]


def test_the_newest_toolkit_and_the_plainest_image_come_first() -> None:
    said = advice("gb10")
    assert ranked(said) == [
        "cuda13.0-sm121-arm64", "cuda13.0-many-arm64", "cuda12.9-sm121-arm64", "cuda12.9-many-arm64",
        "cuda12.4-many-arm64",
    ]  # fmt: skip
    first, *_, last = said.ranked
    assert (first.fit, first.code, first.why) == (Fit.NATIVE, "sm_121a", "native code for sm_121")
    assert (first.driver, first.driver_full) == ("580.65.06", "580.95.05")
    assert (last.fit, last.code) == (Fit.PTX, "PTX of sm_86")
    assert last.driver == last.driver_full == "550.54.15", "PTX takes the driver of the whole toolkit"
    assert said.notes == ("CUDA 13 suits it best.",)


def test_native_before_family_before_compatible_and_cuda_before_vulkan() -> None:
    axes = MATRIX["axes"] | {"arch": ["sm_86", "sm_120", "sm_120f", "gfx1100"]}
    said = advice("rtx5090", axes=axes)
    fits = [one.fit for one in said.ranked]
    assert fits == [Fit.NATIVE, Fit.NATIVE, Fit.FAMILY, Fit.FAMILY, Fit.PORTABLE]
    assert ranked(said)[-1] == "vulkan-amd64"
    assert said.ranked[2].why == "code for a family that sm_120 belongs to (sm_120f)"
    compatible = advice("rtx4090").ranked[0]
    assert (compatible.code, compatible.why) == ("sm_86", "code for sm_86, which sm_89 runs")


def test_every_other_combination_has_its_reason() -> None:
    said = advice("rtx5090")
    reasons = {one.reason: one for one in said.ruled_out}
    too_old = reasons["CUDA 12.4.1 cannot compile sm_120; 12.8 is the first that can"]
    assert too_old.names == ("server-cuda12.4-sm120-amd64",)
    assert too_old.nearest == "server-cuda12.9-sm120-amd64"
    assert reasons["they hold code for sm_86, none of which sm_120 runs"].rule == "code"
    assert "server-cuda12.9-sm120-arm64" in reasons["rtx5090 comes in linux/amd64 machines"].names
    assert "the flag set blas is for cpu, not for vulkan" not in reasons, "it was never meant to be"
    assert not any("gfx1100" in name for one in said.ruled_out for name in one.names), "no card of that kind was meant"


def test_a_nearest_cell_that_the_card_does_not_run_is_no_advice() -> None:
    said = advice("gb10", axes=MATRIX["axes"] | {"toolkit": ["cuda12.4", "rocm7.2"], "arch": ["sm_121", "sm_86"]})
    assert said.ranked == ()
    reasons = {one.reason: one.nearest for one in said.ruled_out}
    assert reasons["CUDA 12.4.1 cannot compile sm_121; 12.9 is the first that can"] is None


def test_a_driver_is_judged_for_each_toolkit() -> None:
    said = advice(driver="560.10")
    verdicts = {answer.name: answer.runs for answer in said.toolkits}
    assert verdicts == {"cuda13.0": "no", "cuda12.9": "native-only", "cuda12.4": "full"}
    assert list(verdicts) == ["cuda13.0", "cuda12.9", "cuda12.4"], "newest first"
    assert "it takes 580.65.06, and 580.95.05 for all features" in said.toolkits[0].why
    assert "server-cuda12.4-sm86-amd64" in said.toolkits[2].cells
    by_name = {one.cell.name: one.runs for one in said.ranked}
    assert by_name["server-vulkan-amd64"] is None, "its driver is in the image"
    assert by_name["server-rocm7.2-gfx1100-amd64"] is None


def test_a_card_with_an_old_driver() -> None:
    said = advice("rtx4090", "535.183")
    assert ranked(said)[0] == "cuda12.4-many-amd64", "its toolkit asks for the least new driver"
    assert [one.runs for one in said.ranked] == ["native-only"] * 4 + ["no"] * 2
    assert ranked(said)[-1].startswith("cuda13.0")


def test_ptx_is_not_compiled_by_a_driver_that_runs_native_code_only() -> None:
    said = advice("gb10", "535.183")
    assert {one.cell.name: one.runs for one in said.ranked}["server-cuda12.4-many-arm64"] == "no"


def test_a_driver_that_runs_nothing_is_told_what_is_needed() -> None:
    axes = MATRIX["axes"] | {"accelerator": ["cuda"]}
    said = advice("rtx5090", "470.82.01", axes=axes)
    assert said.notes == ("driver 470.82.01 runs none of them; the oldest that runs one is 525.60.13",)


@pytest.mark.parametrize("driver", ["new", "550.54.14.1", "12.4", ""])
def test_what_is_no_version_of_a_driver(driver: str) -> None:
    with pytest.raises(InputError, match="is no version of a driver"):
        advice("rtx5090", driver)


def test_a_card_without_a_row_says_what_is_not_known() -> None:
    (note,) = advice("8.9").notes
    assert note.startswith("sm_89 is no card of the catalogue")


def test_exclusions_with_the_same_reason_are_one_group() -> None:
    def out(arch: str, rule: str, reason: str, nearest: str | None = None) -> Excluded:
        at = Coordinates(
            recipe="x", accelerator=AcceleratorName.CUDA, platform="linux/amd64", flag_set="default", arch=arch
        )
        return Excluded(at=at, rule=rule, reason=reason, nearest=nearest)

    groups = group(
        [
            out("a", "flag-set-accelerator", "not for it"),
            out("b", "exclude[3]", "too large", "y"),
            out("c", "exclude[1]", "too large", "z"),
            out("d", "exclude[1]", "too large", "z"),
        ]
    )
    assert [(one.rule, one.reason, len(one.names), one.nearest) for one in groups] == [
        ("exclude", "too large", 3, "z"), ("flag-set-accelerator", "not for it", 1, None),
    ]  # fmt: skip
