from __future__ import annotations

from typing import Any

from bakehouse.machine import Machine
from bakehouse.planning.arch_support import compilers_of, unserved
from bakehouse.planning.gpus import find_target
from tests.unit.accelerated import MATRIX, accelerated

MACHINE = Machine(platform="linux/amd64", cores=2, cards=())


def notes(card: str, **changes: Any) -> list[str]:
    found, resolution = accelerated(**changes)
    return list(unserved(find_target(card, found.matrix, MACHINE), resolution, found.matrix))


def without(arch: str) -> dict[str, Any]:
    axes: dict[str, Any] = MATRIX["axes"]
    return axes | {"arch": [one for one in axes["arch"] if one not in (arch, "many")]}


def test_a_card_that_some_cell_serves_is_told_nothing() -> None:
    assert notes("rtx5090") == []
    assert notes("rtx4090") == [], "code for another arch, which it runs, is code for it"
    assert notes("cpu") == []


def test_what_to_add_to_the_axes() -> None:
    (note,) = notes("rtx5090", axes=without("sm_120"))
    assert note.splitlines() == [
        (
            "no cell holds code for sm_120, but CUDA 12.9.1, 13.0.2 and 13.9.0 compile it. To have such cells, write "
            "in matrix.yaml:"
        ),
        "  axes:",
        "    arch:",
        "      - sm_120  # beside those that are there",
    ]


def test_a_toolkit_and_a_platform_that_are_on_no_axis_are_named_too() -> None:
    axes = without("sm_121") | {"toolkit": ["cuda12.4"], "platform": ["linux/amd64"]}
    (note,) = notes("gb10", axes=axes)
    assert "    toolkit:\n      - cuda13.9" in note
    assert "    platform:\n      - linux/arm64" in note


def test_what_no_toolkit_can_make() -> None:
    archs = MATRIX["archs"] | {
        "sm_35": {"accelerator": "cuda", "last_toolkit": "11.8"},
        "sm_62": {"accelerator": "cuda", "first_toolkit": "8.0", "last_toolkit": "10.2"},
        "sm_999": {"accelerator": "cuda", "first_toolkit": "99"},
    }
    ends = {arch: notes(arch, archs=archs)[0].partition("can make it: ")[2] for arch in ("sm_35", "sm_62", "sm_999")}
    assert ends["sm_35"].startswith(
        "it is too old, CUDA 11.8 was the last that compiled it, and the oldest here is 12.4"
    )
    assert ends["sm_62"].startswith("it is too old, CUDA 10.2 was the last")
    assert ends["sm_35"].endswith("; on the processor of its machine the CPU image does: --gpu cpu")
    assert ends["sm_999"].startswith("it takes CUDA 99 or later")


def test_libraries_count_as_compilers_do() -> None:
    rocm = MATRIX["toolkits"]["rocm7.2"] | {"library_archs": ["gfx1100"]}
    changes = {
        "toolkits": MATRIX["toolkits"] | {"rocm7.2": rocm},
        "archs": MATRIX["archs"] | {"gfx906": {"accelerator": "rocm"}},
    }
    found, _ = accelerated(**changes)
    assert compilers_of("gfx1100", found.matrix) == ("rocm7.2",)
    assert compilers_of("gfx906", found.matrix) == ()
    assert "the libraries of ROCm 7.2.1 hold no kernels for it" in notes("gfx906", **changes)[0]
