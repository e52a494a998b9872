from __future__ import annotations

from pathlib import Path

from account import Cost
from harness import ROOT
from rebuild_cost import COLD, FLAGS, PATCH, PATCH_VULKAN, PATCHED, change_flag_set, compare_changes, patch_source

from bakehouse.config.load import load_project
from bakehouse.model.places import DockerfilePlace, PathPlace
from project import change_matrix, copy_project


def test_a_copy_of_the_project_reads_as_the_project(tmp_path: Path) -> None:
    """Its matrix has a key `on`, which YAML 1.1 calls true."""
    copy = change_matrix(copy_project(tmp_path / "copy"), lambda _: None)
    assert load_project(copy).world == load_project(ROOT).world
    assert any(
        isinstance(place, DockerfilePlace)
        for base in load_project(copy).world.matrix.bases.values()
        for place in base.places
    )


def test_another_option_changes_one_flag_set_only(tmp_path: Path) -> None:
    before = load_project(ROOT).world.matrix
    after = load_project(change_flag_set(copy_project(tmp_path / "copy"))).world.matrix
    changed = {name for name, flag_set in after.flag_sets.items() if flag_set != before.flag_sets[name]}
    assert changed == {"blas"}
    assert after.model_copy(update={"flag_sets": before.flag_sets}) == before


def test_a_patch_changes_one_file_of_a_copy(tmp_path: Path) -> None:
    tree = tmp_path / "pinned"
    (tree / "src").mkdir(parents=True)
    (tree / PATCHED).write_text("int one() { return 1; }\n")
    (tree / "other.cpp").write_text("int two() { return 2; }\n")
    project = patch_source(copy_project(tmp_path / "copy"), tree=tree)
    (place,) = load_project(project).world.matrix.sources["llama-cpp"].places
    assert isinstance(place, PathPlace)
    patched = Path(place.path)
    assert (patched / PATCHED).read_text().startswith("int one() { return 1; }\n\nint ")
    assert (patched / "other.cpp").read_text() == (tree / "other.cpp").read_text()
    assert (tree / PATCHED).read_text() == "int one() { return 1; }\n"


def costs(**seconds: float) -> dict[str, list[Cost]]:
    names = {"cold": COLD, "flags": FLAGS, "patch": PATCH, "shaders": PATCH_VULKAN, "backend": "vulkan added"}
    return {names[name]: [Cost(cpu=cpu, wall=cpu / 2)] for name, cpu in seconds.items()}


def test_a_change_is_held_against_the_cold_build() -> None:
    found = compare_changes(costs(cold=800, flags=40, patch=100), cold=COLD)
    assert [(one.what, one.unit, one.ratio, one.met) for one in found] == [
        ("another option of a flag set, cpu-blas, against a cold build", "CPU s", 0.05, True),
        ("another option of a flag set, cpu-blas, against a cold build", "s", 0.05, None),
        ("a patch to one source file, cpu, against a cold build", "CPU s", 0.125, False),
        ("a patch to one source file, cpu, against a cold build", "s", 0.125, None),
    ]


def test_a_vulkan_cell_is_its_host_part_and_its_backend() -> None:
    known = costs(cold=800, patch=40, shaders=60, backend=200)
    found = compare_changes(known, cold=COLD, cold_vulkan=(COLD, "vulkan added"))
    (vulkan,) = (one for one in found if "vulkan" in one.what and one.unit == "CPU s")
    assert (vulkan.ours, vulkan.theirs) == ([100], [1000])


def test_nothing_is_compared_before_the_cold_build_is_known() -> None:
    assert compare_changes(costs(flags=40, patch=100), cold=COLD) == []
