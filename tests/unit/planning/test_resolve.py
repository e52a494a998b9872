from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import InputError
from bakehouse.model.cell import Coordinates, World
from bakehouse.model.enums import AcceleratorName
from bakehouse.planning.resolve import flatten, resolve
from bakehouse.planning.rules import RULES
from tests.unit.projects import matrix, recipe, world

FLAG_SETS: dict[str, Any] = {
    "default": {"summary": "plain", "accelerators": ["cpu", "cuda"], "cmake": {"A": "1", "B": "1"}},
    "fast": {"summary": "x", "accelerators": ["cpu"], "extends": "default", "cmake": {"B": "2"}, "plugins": ["ggml-x"]},
    "gpu-only": {"summary": "x", "accelerators": ["cuda"]},
}


def axes(**changes: Any) -> dict[str, Any]:
    return {"accelerator": ["cpu"], "flag_set": ["default"], "platform": ["linux/amd64"]} | changes


def test_every_combination_is_a_cell_or_has_a_reason(tmp_path: Path) -> None:
    wide = axes(accelerator=["cpu", "cuda"], flag_set=list(FLAG_SETS), platform=["linux/amd64", "linux/arm64"])
    found = resolve(world(tmp_path, matrix=matrix(flag_sets=FLAG_SETS, axes=wide)))
    assert [cell.name for cell in found.cells] == ["server-cpu-amd64", "server-cpu-fast-amd64"]
    assert len(found.cells) + len(found.excluded) + len(found.never) == 2 * 3 * 2
    assert {item.rule for item in found.never} == {"recipe-accelerator", "flag-set-accelerator"}
    assert not {item.rule for item in found.excluded} & {"recipe-accelerator", "flag-set-accelerator"}
    reasons = {item.name: (item.rule, item.reason) for item in (*found.excluded, *found.never)}
    assert reasons["server-cpu-gpu-only-amd64"] == (
        "flag-set-accelerator",
        "the flag set gpu-only is for cuda, not for cpu",
    )
    assert reasons["server-cuda-amd64"][0] == "recipe-accelerator"
    assert reasons["server-cpu-arm64"] == (
        "base-platform",
        "the base debian exists for linux/amd64, not for linux/arm64",
    )


def test_an_exclude_entry_needs_all_its_keys(tmp_path: Path) -> None:
    exclude = [
        {"when": {"accelerator": "cpu", "flag_set": "fast"}, "reason": "too slow", "link": "https://example.org/1"}
    ]
    found = resolve(
        world(tmp_path, matrix=matrix(flag_sets=FLAG_SETS, axes=axes(flag_set=["default", "fast"]), exclude=exclude))
    )
    assert [cell.name for cell in found.cells] == ["server-cpu-amd64"]
    assert [(item.rule, item.reason, item.link) for item in found.excluded] == [
        ("exclude[0]", "too slow", "https://example.org/1")
    ]


def test_extends_is_applied_nearest_last(tmp_path: Path) -> None:
    flag_set = flatten(world(tmp_path, matrix=matrix(flag_sets=FLAG_SETS)).matrix, "fast")
    assert flag_set.cmake == {"A": "1", "B": "2"}
    assert flag_set.plugins == ("ggml-x",)
    assert flag_set.extends is None


@pytest.mark.parametrize(
    ("general", "special", "flat"), [("1 MiB", None, "1 MiB"), ("1 MiB", "2 MiB", "2 MiB"), (None, None, None)]
)
def test_extra_size_is_the_nearest_that_is_given(
    tmp_path: Path, general: str | None, special: str | None, flat: str | None
) -> None:
    rows = {"default": FLAG_SETS["default"] | {"extra_size": general}, "b": FLAG_SETS["fast"] | {"extra_size": special}}
    assert flatten(world(tmp_path, matrix=matrix(flag_sets=rows)).matrix, "b").extra_size == flat


def test_a_circle_of_flag_sets_is_named(tmp_path: Path) -> None:
    circle = {
        "default": {"summary": "x", "accelerators": ["cpu"], "extends": "b"},
        "b": {"summary": "x", "accelerators": ["cpu"], "extends": "default"},
    }
    with pytest.raises(InputError, match="default -> b -> default"):
        resolve(world(tmp_path, matrix=matrix(flag_sets=circle)))


@pytest.mark.parametrize(
    ("changes", "recipes", "message"),
    [
        (
            {"axes": axes(flag_set=["defualt"])},
            None,
            "axes.flag_set: 'defualt' is not in the matrix's flag_sets\n  Perhaps you meant 'default'.",
        ),
        ({"axes": axes(flag_set=["default", "default"])}, None, "axes.flag_set: 'default' is listed twice"),
        (
            {},
            {"server": recipe(build=recipe()["build"] | {"base": "debain"})},
            "recipes/server/recipe.yaml: build.base: 'debain'",
        ),
        (
            {},
            {"server": recipe(build=recipe()["build"] | {"source": "x"})},
            "build.source: 'x' is not in the matrix's sources",
        ),
        (
            {},
            {"server": recipe(server="openai", probes={"throughput": {"model": "m"}})},
            "The matrix has no models yet.",
        ),
        (
            {"gpus": {"a": {"accelerator": "cuda", "aliases": ["b"]}, "b": {"accelerator": "cuda"}}},
            None,
            "the name 'b' already belongs to a",
        ),
        ({}, {}, "there is no recipe"),
    ],
)
def test_names_must_be_defined(
    tmp_path: Path, changes: dict[str, Any], recipes: dict[str, Any] | None, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        resolve(world(tmp_path, matrix=matrix(**changes), recipes=recipes))
    assert message in str(caught.value)


def test_the_order_of_axes_changes_nothing(tmp_path: Path) -> None:
    names = list(FLAG_SETS)
    forwards, backwards = (
        world(_folder(tmp_path, order), matrix=matrix(flag_sets=FLAG_SETS, axes=axes(flag_set=order)))
        for order in (names, names[::-1])
    )
    assert resolve(forwards) == resolve(replace(backwards, matrix=backwards.matrix))
    assert resolve(forwards).cells == resolve(backwards).cells


def _folder(tmp_path: Path, order: list[str]) -> Path:
    folder = tmp_path / "-".join(order)
    folder.mkdir()
    return folder


def test_rules_agree_with_resolution(tmp_path: Path) -> None:
    """No cell breaks a rule; no exclusion is without a reason."""
    wide = axes(accelerator=["cpu", "cuda"], flag_set=list(FLAG_SETS), platform=["linux/amd64", "linux/arm64"])
    whole: World = world(tmp_path, matrix=matrix(flag_sets=FLAG_SETS, axes=wide))
    found = resolve(whole)
    assert not [cell.name for cell in found.cells for rule in RULES.values() if rule(cell.at, whole)]
    assert all(item.reason.strip() and item.rule for item in found.excluded)


words = st.from_regex(r"[a-z0-9]{1,4}([.-][a-z0-9]{1,4}){0,2}", fullmatch=True)


@given(left=words, right=words)
def test_bake_targets_never_collide(left: str, right: str) -> None:
    """`.` becomes `_`, and `_` is in no name: different names stay different."""
    one, other = (
        Coordinates(recipe=name, accelerator=AcceleratorName.CPU, platform="linux/amd64", flag_set="default")
        for name in (left, right)
    )
    targets = {at.name.replace(".", "_") for at in (one, other)}
    assert len(targets) == len({left, right})
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", target) for target in targets)


def test_a_toolkit_that_is_too_old_for_an_arch_is_named_before_anything_else(tmp_path: Path) -> None:
    row = {"accelerator": "cuda", "build_base": "debian", "runtime_base": "debian"}
    found = resolve(
        world(
            tmp_path,
            matrix=matrix(
                toolkits={"cuda12.8": row | {"version": "12.8.1"}, "cuda13.0": row | {"version": "13.0.2"}},
                archs={"sm_121": {"accelerator": "cuda", "first_toolkit": "12.9"}},
                flag_sets={"default": {"summary": "x", "accelerators": ["cpu", "cuda"]}},
                axes=axes(accelerator=["cpu", "cuda"], toolkit=["cuda12.8", "cuda13.0"], arch=["sm_121"]),
            ),
            recipes={"server": recipe(accelerators=["cpu", "cuda"])},
        )
    )
    assert {item.name: item.reason for item in found.excluded} == {
        "server-cuda12.8-sm121-amd64": "CUDA 12.8.1 cannot compile sm_121; 12.9 is the first that can",
        "server-cuda13.0-sm121-amd64": "the recipe server does not say how the cuda backend is built (build.backends)",
    }
