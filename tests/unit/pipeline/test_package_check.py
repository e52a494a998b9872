from __future__ import annotations

from pathlib import Path
from typing import Any

from bakehouse.config.load import load_project
from bakehouse.errors import SupplyError
from bakehouse.lint.finding import Severity
from bakehouse.pipeline.package_check import Looked, check_packages
from bakehouse.planning.packages import Archive
from bakehouse.planning.resolve import resolve
from bakehouse.supply.package_index import Index
from tests.unit.projects import matrix, recipe, write_project

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
