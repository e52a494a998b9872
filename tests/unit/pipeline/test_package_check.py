from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bakehouse.config.load import load_project
from bakehouse.errors import SupplyError
from bakehouse.lint.finding import Severity
from bakehouse.pipeline.package_check import Looked, check_packages
from bakehouse.planning.packages import Archive, archives_of, wishes
from bakehouse.planning.resolve import resolve
from bakehouse.supply.package_index import Index
from tests.unit.projects import ROOT, matrix, recipe, write_project
from tests.unit.test_world import own

DEBIAN = {
    "os": "debian13",
    "platforms": ["linux/amd64", "linux/arm64"],
    "places": [{"registry": "docker.io/library/debian:trixie-slim"}, {"debootstrap": {"suite": "trixie"}}],
}
VENDOR = {
    "os": "ubuntu24.04",
    "platforms": ["linux/amd64"],
    "places": [{"registry": "docker.io/intel/deep-learning-essentials:2025.3.3-0-devel-ubuntu24.04"}],
}
BACKEND = {"plugins": ["ggml-sycl"], "build_packages": ["libze-dev"], "runtime_packages": ["libze-intel-gpu1"]}


class Known:
    """Indexes that hold these names; an archive that is not among them cannot be reached."""

    def __init__(self, **names: str) -> None:
        self.names = names

    def get(self, archive: Archive, architecture: str) -> Index:  # noqa: ARG002 - as it is asked
        if archive.suite not in self.names:
            raise SupplyError(f"{archive.suite} cannot be reached")
        words = self.names[archive.suite].split()
        rows = {name: frozenset({version or "1"}) for name, _, version in (word.partition("=") for word in words)}
        return Index(versions=rows, provided=frozenset({"awk"}))


def looked(folder: Path, indexes: Known, *, packages: list[str], **changes: Any) -> Looked:
    base: dict[str, Any] = {
        "bases": {"debian": DEBIAN, "vendor": VENDOR},
        "toolkits": {"xpu1": {"accelerator": "xpu", "version": "1", "build_base": "vendor"}},
        "flag_sets": {"default": {"summary": "x", "accelerators": ["cpu", "xpu"]}},
        "axes": {
            "accelerator": ["cpu", "xpu"], "toolkit": ["xpu1"], "flag_set": ["default"], "platform": ["linux/amd64"]
        },
    }  # fmt: skip
    own_recipe = recipe(accelerators=["cpu", "xpu"])
    own_recipe["build"] |= {"packages": ["g++"], "backends": {"xpu": BACKEND}, "base": "debian"}
    own_recipe["runtime"]["packages"] = packages
    write_project(folder, matrix=matrix(**(base | changes)), recipes={"server": own_recipe})
    project = load_project(folder)
    return check_packages(project, resolve(project.world).cells, indexes)


GOOD = Known(trixie="g++ libgomp1 libze-intel-gpu1 patchelf", noble="g++ libze-dev patchelf")


def test_names_that_exist_are_counted(tmp_path: Path) -> None:
    found = looked(tmp_path, GOOD, packages=["libgomp1", "awk"])
    assert found.findings == ()
    assert found.packages == 6
    assert found.archives == ("Debian trixie (amd64)", "Ubuntu noble (amd64)")
    assert found.not_looked_at == ()


def test_a_name_that_the_base_does_not_have_is_an_error_with_its_line(tmp_path: Path) -> None:
    indexes = Known(trixie="g++ libgomp1 patchelf", noble="g++ libze-dev patchelf")
    (one,) = looked(tmp_path, indexes, packages=["libgomp1"]).findings
    assert (one.severity, one.subject) == (Severity.ERROR, "libze-intel-gpu1")
    assert one.what == "is not in Debian trixie (main), on which debian stands"
    assert one.where.file == "recipes/server/recipe.yaml"
    assert one.where.key == "build.backends.xpu.runtime_packages[0]"
    assert one.where.line
    assert "runtime_base" in one.instead


def test_a_misspelt_name_has_a_neighbour(tmp_path: Path) -> None:
    (one,) = looked(tmp_path, GOOD, packages=["libgomp2"]).findings
    assert one.instead == "libgomp1, if that is what was meant"


def test_a_vendors_image_may_have_more_than_its_distribution(tmp_path: Path) -> None:
    (one,) = looked(tmp_path, Known(trixie=GOOD.names["trixie"], noble="g++ patchelf"), packages=[]).findings
    assert (one.severity, one.subject) == (Severity.NOTE, "libze-dev")
    assert "archive of its own" in one.why


def test_a_version_that_is_gone(tmp_path: Path) -> None:
    indexes = Known(trixie="g++ libgomp1=14.2 libze-intel-gpu1 patchelf", noble=GOOD.names["noble"])
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    (one,) = looked(tmp_path / "old", indexes, packages=["libgomp1=13.1"]).findings
    assert (one.subject, one.what) == ("libgomp1=13.1", "Debian trixie has 14.2, not 13.1")
    assert looked(tmp_path / "new", indexes, packages=["libgomp1=14.2"]).findings == ()


def test_what_cannot_be_reached_is_said_and_not_praised(tmp_path: Path) -> None:
    found = looked(tmp_path, Known(trixie=GOOD.names["trixie"]), packages=[])
    assert found.not_looked_at == ("Ubuntu noble (amd64): noble cannot be reached",)
    assert found.archives == ("Debian trixie (amd64)",)


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
    found = archives_of(base, load_project(ROOT).world.matrix)
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
