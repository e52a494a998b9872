from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bakehouse.errors import InputError
from bakehouse.machine import Card, Machine
from bakehouse.model.cell import Resolution, World
from bakehouse.model.enums import AcceleratorName
from bakehouse.planning.resolve import resolve
from bakehouse.planning.select import Selection, select
from tests.unit.accelerated import MATRIX, accelerated
from tests.unit.projects import matrix, recipe, world

CPU_ONLY = Machine(platform="linux/amd64", cores=2, cards=())


@pytest.fixture(scope="module")
def project() -> tuple[World, Resolution]:
    return accelerated()


def names(project: tuple[World, Resolution], machine: Machine = CPU_ONLY, **options: object) -> list[str]:
    found, resolution = project
    selection = Selection(**options)  # type: ignore[arg-type]
    return [cell.name for cell in select(resolution, selection, matrix=found.matrix, machine=machine)]


def refusal(project: tuple[World, Resolution], machine: Machine = CPU_ONLY, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        names(project, machine, **options)
    return str(caught.value)


def test_without_options_the_machine_decides(project: tuple[World, Resolution]) -> None:
    assert names(project) == ["server-cpu-amd64", "server-cpu-blas-amd64"]
    assert names(project, skip=("*blas*",)) == ["server-cpu-amd64"]
    card = Card(accelerator=AcceleratorName.ROCM, name="AMD Radeon RX 7900 XTX")
    assert names(project, Machine(platform="linux/amd64", cores=8, cards=(card,)))[2:] == [
        "server-rocm7.2-gfx1100-amd64", "server-vulkan-amd64",
    ]  # fmt: skip


def test_a_recipe_that_is_not_built_by_default_must_be_asked_for(tmp_path: Path) -> None:
    found = world(tmp_path, matrix=matrix(), recipes={"server": recipe(), "other": {**recipe(), "by_default": False}})
    project = (found, resolve(found))

    assert names(project) == ["server-cpu-amd64"]
    assert names(project, recipe=("other",)) == ["other-cpu-amd64"]
    assert "other-cpu-amd64" in names(project, everything=True)


def test_options_narrow_and_values_add_up(project: tuple[World, Resolution]) -> None:
    assert names(project, accelerator=("cpu",), only=("*-arm64", "*blas*"), skip=("*blas-arm64",)) == [
        "server-cpu-arm64", "server-cpu-blas-amd64",
    ]  # fmt: skip
    assert len(names(project, everything=True)) == len(project[1].cells)
    assert names(project, flag_set=("blas",), platform=("amd64",)) == ["server-cpu-blas-amd64"]
    assert names(project, platform=("linux/arm64",), accelerator=("vulkan", "cpu"), flag_set=("default",)) == [
        "server-cpu-arm64", "server-vulkan-arm64",
    ]  # fmt: skip
    assert names(project, gpu=("cpu",)) == ["server-cpu-amd64", "server-cpu-blas-amd64"]


@pytest.mark.parametrize("word", ["12.9", "12.9.1", "cuda12.9", "cuda-12.9", "cuda12.9.1", "*12.9"])
def test_a_toolkit_has_many_spellings(word: str, project: tuple[World, Resolution]) -> None:
    assert names(project, toolkit=(word,), arch=("sm_121",), platform=("linux/arm64",)) == [
        "server-cuda12.9-many-arm64", "server-cuda12.9-sm121-arm64",
    ]  # fmt: skip


def test_a_short_version_stands_for_all_that_begin_with_it(project: tuple[World, Resolution]) -> None:
    found = names(project, toolkit=("12",), arch=("sm_86",), platform=("amd64",), skip=("*many*",))
    assert found == ["server-cuda12.4-sm86-amd64", "server-cuda12.9-sm86-amd64"]
    assert "no such toolkit" in refusal(project, toolkit=("12.90",))
    assert "no such toolkit" in refusal(project, toolkit=("1",)), "12.9 does not begin with 1 as a version"


def test_an_arch_is_found_in_groups_too(project: tuple[World, Resolution]) -> None:
    assert names(project, arch=("sm_120",), platform=("amd64",), toolkit=("12.9",)) == [
        "server-cuda12.9-many-amd64", "server-cuda12.9-sm120-amd64",
    ]  # fmt: skip
    assert names(project, arch=("many",), toolkit=("12.9",), platform=("amd64",)) == ["server-cuda12.9-many-amd64"]


def test_gpu_chooses_what_runs_natively(project: tuple[World, Resolution]) -> None:
    assert names(project, gpu=("gb10",)) == [
        "server-cuda12.9-many-arm64", "server-cuda12.9-sm121-arm64", "server-cuda13.0-many-arm64",
        "server-cuda13.0-sm121-arm64",
    ]  # fmt: skip
    assert names(project, gpu=("rtx5090",), toolkit=("12",)) == [
        "server-cuda12.9-many-amd64", "server-cuda12.9-sm120-amd64",
    ]  # fmt: skip
    assert "server-vulkan-amd64" in names(project, gpu=("rtx5090",))
    assert names(project, gpu=("rtx4090",), toolkit=("12.4",)) == [
        "server-cuda12.4-many-amd64", "server-cuda12.4-sm86-amd64",
    ]  # fmt: skip
    assert names(project, gpu=("8.9",), toolkit=("12.4",), platform=("arm64",)) == [
        "server-cuda12.4-many-arm64", "server-cuda12.4-sm86-arm64",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"accelerator": ("rocm",), "arch": ("sm_120",)},
            "--accelerator rocm and --arch sm_120 contradict each other\n  sm_120 is code for cuda.",
        ),
        (
            {"gpu": ("gb10",), "platform": ("linux/amd64",)},
            "linux/amd64 contradict each other\n  gb10 runs cuda, code for sm_121, in machines with linux/arm64.",
        ),
        (
            {"gpu": ("rtx5090",), "arch": ("gfx1100",)},
            "--gpu rtx5090 and --arch gfx1100 contradict each other\n  rtx5090 runs cuda and vulkan, code for sm_120",
        ),
        (
            {"toolkit": ("12.9",), "arch": ("gfx1100",)},
            "contradict each other\n  cuda12.9 is a toolkit of cuda; gfx1100 is code for rocm.",
        ),
        ({"gpu": ("rtx4090",), "accelerator": ("vulkan",)}, "--gpu rtx4090 and --accelerator vulkan contradict"),
        ({"gpu": ("cpu",), "toolkit": ("12.9",)}, "cpu runs cpu, in machines with linux/amd64; cuda12.9 is"),
    ],
)  # fmt: skip
def test_contradictions_are_named(options: dict[str, Any], words: str, project: tuple[World, Resolution]) -> None:
    assert words in refusal(project, **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"toolkit": ("12.7",)}, "--toolkit 12.7: the matrix has no such toolkit\n  Perhaps you meant '12."),
        ({"accelerator": ("cudaa",)}, "the matrix has no such accelerator\n  Perhaps you meant 'cuda'."),
        ({"arch": ("sm_12",)}, "--arch sm_12: the matrix has no such arch\n  Perhaps you meant 'sm_12"),
        ({"platform": ("linux/arm",)}, "the matrix has no such platform\n  Perhaps you meant 'linux/arm64'."),
        ({"flag_set": ("blass",)}, "--flag-set blass: the matrix has no such flag set\n  Perhaps you meant 'blas'."),
        ({"recipe": ("*x*",)}, "--recipe *x*: the matrix has no such recipe\n  There is: server."),
        (
            {"toolkit": ("cuda13.9",)},
            "--toolkit cuda13.9: the matrix describes it, but builds nothing with it\n  Add it to axes.toolkit",
        ),
        ({"arch": ("9.0",)}, "--arch 9.0: the matrix describes it, but builds nothing with it\n  Add it to axes.arch"),
        (
            {"gpu": ("sm_90",)},
            "--gpu sm_90: the matrix's axes combine nothing that fits it\n  sm_90 runs cuda and vulkan",
        ),
    ],
)
def test_values_that_no_axis_knows(options: dict[str, Any], words: str) -> None:
    axes = MATRIX["axes"] | {"accelerator": ["cpu", "cuda", "rocm"]}
    assert words in refusal(accelerated(axes=axes), **options)


def test_an_empty_selection_says_why_and_what_is_nearest(project: tuple[World, Resolution]) -> None:
    said = refusal(project, toolkit=("12.4",), arch=("sm_121",))
    assert said.startswith("no cell matches --toolkit 12.4 --arch sm_121\n")
    assert "server-cuda12.4-sm121-amd64 and 1 more are excluded: CUDA 12.4.1 cannot compile sm_121" in said
    assert "Nearest: server-cuda12.9-sm121-arm64." in said
    assert said.index("cannot compile") < said.index("the flag set blas is for cpu"), "what is obvious comes last"


def test_an_arch_that_a_group_leaves_out_is_told() -> None:
    project = accelerated(axes=MATRIX["axes"] | {"arch": ["many"]})
    said = refusal(project, toolkit=("12.4",), gpu=("rtx5090",), flag_set=("default",))
    assert "server-cuda12.4-many-amd64 leaves it out: CUDA 12.4.1 cannot compile sm_120" in said


def test_names_that_match_nothing(project: tuple[World, Resolution]) -> None:
    assert "Perhaps you meant 'server-cpu-amd64'" in refusal(project, only=("server-cpu-amd46",))
    assert "server-cuda12.9-sm121-amd64 is excluded: cards that run sm_121 are in linux/arm64 machines only" in refusal(
        project, only=("server-cuda12.9-sm121-amd64",)
    )
    assert "There is: server-cpu-amd64, " in refusal(project, only=("nothing*",))


def test_a_machine_that_runs_nothing(project: tuple[World, Resolution]) -> None:
    said = refusal(project, Machine(platform="linux/riscv64", cores=1, cards=()))
    assert said.startswith("this machine (linux/riscv64, 1 cores, no GPU) can run no cell\n  It can run: cpu.")
    assert "--all chooses them" in said


def test_a_matrix_without_any_cell_gives_its_reasons(tmp_path: Path) -> None:
    found = world(
        tmp_path,
        matrix=matrix(exclude=[{"when": {"recipe": "server"}, "reason": "it is retired"}]),
        recipes={"server": recipe()},
    )
    assert "server-cpu-amd64 is excluded: it is retired" in refusal((found, resolve(found)), everything=True)


def test_words_are_the_options_as_typed() -> None:
    selection = Selection(gpu=("gb10",), flag_set=("blas",), skip=("*x",), affected_since="HEAD~1")
    assert selection.words() == ("--gpu gb10", "--skip *x", "--flag-set blas", "--affected-since HEAD~1")
    assert Selection(skip=("*x",), affected_since="HEAD").names_nothing
    assert not selection.names_nothing
