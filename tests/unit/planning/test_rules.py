"""Each rule: what it leaves out, in which words, and what it lets pass."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from bakehouse.model.cell import Cell, Excluded, World
from bakehouse.planning.resolve import resolve
from bakehouse.planning.rules import cards_of
from tests.unit.projects import MATRIX, RECIPE
from tests.unit.worlds import build

SOURCE = "https://example.org/source"
CUDA = {"accelerator": "cuda", "version": "12.9.1", "build_base": "ubuntu", "source": SOURCE}
GCC_ADVICE = "name one up to 12 in toolkits.cuda12.9.gcc"
HANGS: dict[str, Any] = {"reason": "it hangs"}


def base(**changes: Any) -> dict[str, Any]:
    row = {"os": "debian13", "platforms": ["linux/amd64", "linux/arm64"], "places": [{"registry": "debian"}]}
    return row | changes


BACKENDS = {"cuda": {"plugins": ["ggml-cuda"]}, "vulkan": {"plugins": ["ggml-vulkan"]}}
WHOLE: dict[str, Any] = MATRIX | {
    "sources": {"tree": MATRIX["sources"]["tree"] | {"committed": datetime(2026, 10, 1, tzinfo=UTC)}},
    "bases": {"debian": base(), "ubuntu": base(gcc="13", cmake="3.28.3")},
    "toolkits": {"cuda12.9": CUDA},
    "archs": {"sm_86": {"accelerator": "cuda"}, "sm_120": {"accelerator": "cuda", "code": "sm_120a"}},
    "flag_sets": {"default": {"summary": "x", "accelerators": ["cpu", "cuda", "vulkan"]}},
    "axes": {
        "accelerator": ["cuda"],
        "flag_set": ["default"],
        "platform": ["linux/amd64"],
        "toolkit": ["cuda12.9"],
        "arch": ["sm_86"],
    },
}


ARM_VARIANTS = [{"platform": "linux/arm64", "variants": ["x"]}]


def changed(**sections: Mapping[str, Any]) -> World:
    """The world with rows laid over it, section by section; `recipe` over the recipe."""
    matrix = copy.deepcopy(WHOLE)
    recipe: dict[str, Any] = copy.deepcopy(RECIPE) | {"accelerators": ["cpu", "cuda", "vulkan"]}
    recipe["build"]["backends"] = BACKENDS
    for section, rows in sections.items():
        if section == "recipe":
            recipe = recipe | {key: recipe[key] | row if isinstance(row, dict) else row for key, row in rows.items()}
        else:
            matrix[section] = matrix.get(section, {}) | rows
    return build(matrix, {"server": recipe})


def only(world: World) -> Cell | Excluded:
    found = resolve(world)
    points: list[Cell | Excluded] = [*found.cells, *found.excluded, *found.never]
    assert len(points) == 1
    return points[0]


def test_without_an_objection_it_is_a_cell() -> None:
    assert isinstance(only(changed()), Cell)


@pytest.mark.parametrize(
    ("sections", "rule", "reason", "link"),
    [
        (
            {"recipe": {"accelerators": ["cpu"]}},
            "recipe-accelerator",
            "the recipe server serves cpu, not cuda",
            None,
        ),
        (
            {"flag_sets": {"default": {"summary": "x", "accelerators": ["cpu", "vulkan"]}}},
            "flag-set-accelerator",
            "the flag set default is for cpu, vulkan, not for cuda",
            None,
        ),
        ({"axes": {"toolkit": []}}, "axes", "the toolkit axis names no toolkit of cuda", None),
        ({"axes": {"arch": []}}, "axes", "the arch axis names no arch of cuda", None),
        (
            {"archs": {"sm_86": {"accelerator": "cuda", "first_toolkit": "13.0.0", "source": SOURCE}}},
            "toolkit-arch",
            "CUDA 12.9.1 cannot compile sm_86; 13.0.0 is the first that can",
            SOURCE,
        ),
        (
            {"archs": {"sm_86": {"accelerator": "cuda", "last_toolkit": "12.8.1", "source": SOURCE}}},
            "toolkit-arch",
            "CUDA 12.9.1 no longer compiles sm_86; 12.8.1 is the last that does",
            SOURCE,
        ),
        (
            {"toolkits": {"cuda12.9": CUDA | {"known_bad": HANGS | {"fixed_in": "12.9.2", "link": SOURCE}}}},
            "known-bad-toolkit",
            "CUDA 12.9.1 is known to be bad: it hangs; fixed in 12.9.2",
            SOURCE,
        ),
        (
            {"toolkits": {"cuda12.9": CUDA | {"known_bad": HANGS | {"archs": ["sm_86"]}}}},
            "known-bad-toolkit",
            "CUDA 12.9.1 is known to be bad for sm_86: it hangs",
            None,
        ),
        (
            {"archs": {"sm_86": {"accelerator": "cuda", "first_cmake": "3.31.8", "source": SOURCE}}},
            "cmake-arch",
            "CMake 3.28.3 of ubuntu does not know sm_86; 3.31.8 is the first that does",
            SOURCE,
        ),
        (
            {"archs": {"sm_86": {"accelerator": "cuda", "platforms": ["linux/arm64"], "source": SOURCE}}},
            "arch-platform",
            "cards that run sm_86 are in linux/arm64 machines only",
            SOURCE,
        ),
        (
            {"toolkits": {"cuda12.9": CUDA | {"newest_gcc": "12"}}},
            "host-compiler",
            "CUDA 12.9.1 accepts GCC up to 12, and ubuntu has GCC 13; " + GCC_ADVICE,
            SOURCE,
        ),
        (
            {"toolkits": {"cuda12.9": CUDA | {"newest_gcc": "12", "gcc": "14"}}},
            "host-compiler",
            "CUDA 12.9.1 accepts GCC up to 12, and the toolkit's row names GCC 14; " + GCC_ADVICE,
            SOURCE,
        ),
        (
            {"recipe": {"build": {"backends": {}}}},
            "recipe-backend",
            "the recipe server does not say how the cuda backend is built (build.backends)",
            None,
        ),
        (
            {"bases": {"ubuntu": base(platforms=["linux/arm64"])}},
            "base-platform",
            "the base ubuntu exists for linux/arm64, not for linux/amd64",
            None,
        ),
        (
            {
                "recipe": {
                    "server": "llama.cpp",
                    "build": {"cpu_variants": [{"platform": "linux/arm64", "variants": ["x"]}]},
                }
            },
            "cpu-variants-platform",
            "the recipe server names no CPU variants for linux/amd64 (build.cpu_variants)",
            None,
        ),
    ],
)
def test_says_what_stands_in_the_way_and_where_that_is_written(
    sections: dict[str, Any], rule: str, reason: str, link: str | None
) -> None:
    out = only(changed(**sections))
    assert isinstance(out, Excluded)
    assert (out.rule, out.reason, out.link) == (rule, reason, link)


@pytest.mark.parametrize(
    "sections",
    [
        {"archs": {"sm_86": {"accelerator": "cuda", "first_toolkit": "12.9.1", "last_toolkit": "12.9.1"}}},
        {"archs": {"sm_86": {"accelerator": "cuda", "first_cmake": "3.28.3"}}},
        {"archs": {"sm_86": {"accelerator": "cuda", "platforms": ["linux/arm64", "linux/amd64"]}}},
        {"toolkits": {"cuda12.9": CUDA | {"newest_gcc": "13"}}},
        {"toolkits": {"cuda12.9": CUDA | {"newest_gcc": "12", "gcc": "12"}}},
        {"toolkits": {"cuda12.9": CUDA | {"known_bad": HANGS | {"archs": ["sm_120"]}}}},
        {"bases": {"ubuntu": base()}, "toolkits": {"cuda12.9": CUDA | {"newest_gcc": "9"}}},
    ],
)
def test_lets_pass_what_is_just_allowed(sections: dict[str, Any]) -> None:
    assert isinstance(only(changed(**sections)), Cell)


GROUP = {"both": {"summary": "x", "archs": ["sm_120", "sm_86"]}}


def test_a_group_leaves_out_what_its_toolkit_cannot_compile_and_says_why() -> None:
    cell = only(
        changed(
            arch_groups=GROUP,
            axes={"arch": ["both"]},
            archs={"sm_120": {"accelerator": "cuda", "first_toolkit": "13.0.0"}},
        )
    )
    assert isinstance(cell, Cell)
    assert cell.archs == ("sm_86",)
    assert [(out.arch, out.reason) for out in cell.left_out] == [
        ("sm_120", "CUDA 12.9.1 cannot compile sm_120; 13.0.0 is the first that can")
    ]


def test_a_group_of_which_nothing_is_left_is_excluded_with_each_reason() -> None:
    out = only(
        changed(
            arch_groups=GROUP,
            axes={"arch": ["both"]},
            archs={
                "sm_86": {"accelerator": "cuda", "first_cmake": "4.0.2"},
                "sm_120": {"accelerator": "cuda", "first_toolkit": "13.0.0"},
            },
        )
    )
    assert isinstance(out, Excluded)
    assert out.rule == "arch-group"
    assert out.reason == (
        "nothing is left of both: CUDA 12.9.1 cannot compile sm_120; 13.0.0 is the first that can; "
        "CMake 3.28.3 of ubuntu does not know sm_86; 4.0.2 is the first that does"
    )


def test_a_group_whose_ptx_the_toolkit_does_not_make_is_excluded() -> None:
    out = only(
        changed(
            arch_groups={"both": {"summary": "x", "archs": ["sm_86"], "ptx": "sm_100"}},
            axes={"arch": ["both"]},
            archs={"sm_100": {"accelerator": "cuda", "first_toolkit": "13.0.0", "source": SOURCE}},
        )
    )
    assert isinstance(out, Excluded)
    assert (out.rule, out.link) == ("toolkit-ptx", SOURCE)
    assert out.reason == "both holds PTX of sm_100, but CUDA 12.9.1 cannot compile sm_100; 13.0.0 is the first that can"


def test_a_group_is_built_where_any_of_its_cards_is() -> None:
    """One plugin for all platforms, so that a group means the same everywhere."""
    arm = {"accelerator": "cuda", "platforms": ["linux/arm64"]}
    mixed = changed(arch_groups=GROUP, axes={"arch": ["both"]}, archs={"sm_120": arm})
    cell = only(mixed)
    assert isinstance(cell, Cell)
    assert cell.archs == ("sm_120", "sm_86")
    out = only(changed(arch_groups=GROUP, axes={"arch": ["both"]}, archs={"sm_120": arm, "sm_86": arm}))
    assert isinstance(out, Excluded)
    assert out.reason == "cards that run both are in linux/arm64 machines only"


def test_versions_are_compared_by_number() -> None:
    first = changed(archs={"sm_86": {"accelerator": "cuda", "first_toolkit": "12.10.0"}})
    assert isinstance(only(first), Excluded)


def test_cards_of_a_value_are_those_that_run_its_code() -> None:
    matrix = changed(
        arch_groups=GROUP,
        archs={"sm_86": {"accelerator": "cuda", "runs": ["sm_89"]}, "sm_89": {"accelerator": "cuda"}},
    ).matrix
    assert cards_of("sm_86", matrix) == {"sm_86", "sm_89"}
    assert cards_of("both", matrix) == {"sm_86", "sm_89", "sm_120"}
