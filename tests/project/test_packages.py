"""The packages of the project's own cells, and the releases that must have them."""

from __future__ import annotations

import pytest

from bakehouse.planning.packages import archives_of, wishes
from tests.project.test_matrix import own


def test_packages_of_other_platforms_are_looked_up_there() -> None:
    world, found = own()
    arm = [one for one in wishes(found.cells, world.matrix) if one.architecture == "arm64"]
    assert {"libssl-dev", "libgomp1", "libvulkan-dev"} <= {one.name for one in arm}
    assert not {"g++", "cmake", "glslc"} & {one.name for one in arm}, "programs are those of the machine that builds"


@pytest.mark.parametrize(
    ("base", "archives"),
    [
        ("debian-trixie", ["Debian trixie main"]),
        ("debian-forky", ["Debian forky main"]),
        ("cuda-12.4", ["Ubuntu jammy main universe", "Debian trixie main contrib non-free non-free-firmware"]),
        ("cuda-12.9", ["Ubuntu noble main universe"]),
        ("rocm-7.2", ["Ubuntu noble main universe"]),
    ],
)
def test_where_a_bases_packages_come_from(base: str, archives: list[str]) -> None:
    found = archives_of(base, own()[0].matrix)
    assert [f"{one} {' '.join(one.components)}" for one in found] == archives
    assert found[0].vendor == (base[:4] in ("cuda", "rocm"))


def test_the_xpu_image_has_a_base_with_intels_driver() -> None:
    world, found = own()
    wanted = [one for one in wishes(found.cells, world.matrix) if one.name == "libze-intel-gpu1"]
    assert {one.archive.suite for one in wanted} == {"forky"}, "trixie does not have it"


def test_the_vulkan_image_holds_what_nvidias_driver_loads() -> None:
    for cell in own()[1].cells:
        if cell.at.accelerator == "vulkan":
            assert cell.backend
            assert {"libglvnd0", "libegl1", "libglx0", "libxext6"} <= set(cell.backend.runtime_packages)
            assert "graphics" in cell.backend.env["NVIDIA_DRIVER_CAPABILITIES"].split(",")
