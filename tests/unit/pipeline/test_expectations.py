from __future__ import annotations

from dataclasses import replace

import pytest

from bakehouse.formatting import size_in_bytes
from bakehouse.model.cell import Cell, World
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.suite import Subject
from bakehouse.model.work import MeasuredWork
from bakehouse.pipeline.expectations import expectation, subject
from bakehouse.prove.expect import Expectation
from tests.unit.accelerated import accelerated


def pick(name: str) -> tuple[Cell, World]:
    world, resolution = accelerated()
    (cell,) = [cell for cell in resolution.cells if cell.name == name]
    return cell, world


def promise(name: str) -> Expectation:
    return expectation(*pick(name))


def test_a_cuda_cell_promises_what_its_compiler_was_asked_for() -> None:
    found = promise("server-cuda12.9-many-arm64")
    assert found.accelerator is AcceleratorName.CUDA
    assert found.codes == ("sm_86", "sm_120a", "sm_121a")
    assert found.ptx == "sm_86"
    assert found.backend_plugins == ("libggml-cuda.so",)
    assert set(found.backend_plugins) <= set(found.plugins)
    assert (found.toolkit, found.driver_floor, found.driver_floor_minor) == ("cuda 12.9.1", "575.57.08", "525.60.13")
    assert found.labels["io.bakehouse.driver-floor"] == "575.57.08"
    assert "libcuda.so.1" in found.driver_libraries


def test_a_cpu_cell_promises_no_device_code() -> None:
    found = promise("server-cpu-amd64")
    assert (found.accelerator, found.backend_plugins, found.codes, found.ptx, found.loaded_by_name) == (
        (AcceleratorName.CPU, (), (), None, ())
    )


def test_files_that_are_loaded_by_name_are_globs_of_the_image() -> None:
    cell, world = pick("server-rocm7.2-gfx1100-amd64")
    assert cell.backend is not None
    backend = cell.backend.model_copy(
        update={"runtime_files": {"/opt/rocm/lib/libamd_comgr.so.?": ".", "/x/library/*{arch}*": "rocblas/library"}}
    )
    build = cell.recipe.build.model_copy(update={"backends": {AcceleratorName.ROCM: backend}})
    cell = replace(cell, recipe=cell.recipe.model_copy(update={"build": build}))
    assert expectation(cell, world).loaded_by_name == ("/app/libamd_comgr.so.?", "/app/rocblas/library/***")


def test_an_accelerator_may_have_a_budget_of_its_own() -> None:
    cell, world = pick("server-cuda12.4-sm86-amd64")
    general = expectation(cell, world).size_budget
    runtime = cell.recipe.runtime.model_copy(update={"size_budgets": {AcceleratorName.CUDA: "1100 MiB"}})
    cell = replace(cell, recipe=cell.recipe.model_copy(update={"runtime": runtime}))
    assert expectation(cell, world).size_budget == 1100 * 2**20 != general


def test_what_a_flag_set_adds_does_not_count_against_the_recipe() -> None:
    cell, world = pick("server-cuda12.4-sm86-amd64")
    general = expectation(cell, world).size_budget
    cell = replace(cell, flag_set=cell.flag_set.model_copy(update={"extra_size": "480 MiB"}))
    assert expectation(cell, world).size_budget == general + 480 * 2**20


@pytest.mark.parametrize(("text", "size"), [("260 MiB", 260 * 2**20), ("1.5GB", 1_500_000_000), ("7 B", 7)])
def test_sizes_are_bytes(text: str, size: int) -> None:
    assert size_in_bytes(text) == size


def test_the_suite_is_told_of_work_in_other_units() -> None:
    cell, world = pick("server-cpu-amd64")
    task = {
        "name": "see",
        "unit": "images",
        "http": {"path": "/see"},
        "inputs": {"files": ("a.jpg",)},
    }
    probes = cell.recipe.probes.model_copy(
        update={"work": MeasuredWork.model_validate({"tasks": (task,), "starts": 4})}
    )
    recipe = cell.recipe.model_copy(update={"probes": probes})
    found = subject(
        replace(cell, recipe=recipe), world, reference="r", digest="d", models=[], repetitions=2, seconds=0.3
    )
    assert found.workload is None
    assert found.work is not None
    assert (found.work.starts, found.work.repetitions, found.work.seconds) == (4, 2, 0.3)
    assert Subject.model_validate_json(found.model_dump_json()) == found
