"""Worlds for property tests: small, but with every kind of row that a rule looks at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from bakehouse.config.load import _tuples
from bakehouse.model.cell import World
from bakehouse.model.matrix import Matrix
from bakehouse.model.recipe import Recipe
from tests.unit.projects import MATRIX, RECIPE

PLATFORMS = ["linux/amd64", "linux/arm64"]
VERSIONS = ["11.8.0", "12.4.1", "12.8.1", "12.9.1", "13.0.2"]
ACCELERATORS = ["cpu", "cuda", "rocm", "xpu", "vulkan"]
ARCHS = {"sm_86": "cuda", "sm_120": "cuda", "sm_121": "cuda", "gfx1100": "rocm", "gfx942": "rocm"}
GROUPS = {"nvidia": ["sm_86", "sm_120", "sm_121"], "some": ["sm_121", "sm_120"], "amd": ["gfx942", "gfx1100"]}
FLAG_SETS = ["default", "blas", "big"]

some_platforms = st.sampled_from([PLATFORMS, PLATFORMS, PLATFORMS[:1], PLATFORMS[1:]])
compiler = st.sampled_from([None, "11", "14", "15"])


def build(matrix: dict[str, Any], recipes: dict[str, dict[str, Any]]) -> World:
    """From what a person would write, without files."""
    return World(
        matrix=Matrix.model_validate(_tuples(matrix)),
        recipes={name: Recipe.model_validate(_tuples(row)) for name, row in recipes.items()},
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The content of a matrix and of recipes, valid by all references."""
    bases = {
        name: {
            "os": "debian13",
            "platforms": draw(some_platforms),
            "gcc": draw(compiler),
            "cmake": draw(st.sampled_from([None, "3.28.3", "4.1.0"])),
            "places": [{"registry": "docker.io/library/debian"}],
        }
        for name in ("debian", "vendor")
    }
    toolkits = {
        f"{kind}{version}": draw(_toolkit(kind, version))
        for kind in ("cuda", "rocm", "xpu")
        for version in draw(st.lists(st.sampled_from(VERSIONS), unique=True, min_size=1, max_size=3))
    }
    archs = {name: draw(_arch(kind)) for name, kind in ARCHS.items()}
    groups: dict[str, dict[str, Any]] = {name: {"summary": "x", "archs": members} for name, members in GROUPS.items()}
    groups["nvidia"]["ptx"] = draw(st.sampled_from([None, "sm_86"]))
    flag_sets = {name: {"summary": "x", "accelerators": draw(_most(ACCELERATORS))} for name in FLAG_SETS}
    axes = {
        "accelerator": draw(_most(ACCELERATORS)),
        "flag_set": draw(_some(FLAG_SETS, least=1)),
        "platform": draw(_some(PLATFORMS, least=1)),
        "toolkit": draw(_most(list(toolkits))),
        "arch": draw(_most([*archs, *groups])),
    }
    known = {
        "accelerator": ACCELERATORS, "arch": [*archs, *groups], "flag_set": FLAG_SETS, "platform": axes["platform"]
    }  # fmt: skip
    exclude = [
        {"when": {key: draw(st.sampled_from(known[key])) for key in keys}, "reason": "because"}
        for keys in draw(st.lists(_some(list(known), least=1), max_size=2))
    ]
    source = MATRIX["sources"]["tree"] | {"committed": datetime(2026, 10, 1, tzinfo=UTC)}
    matrix = MATRIX | {"sources": {"tree": source}, "bases": bases, "toolkits": toolkits, "archs": archs}
    matrix |= {"arch_groups": groups, "flag_sets": flag_sets, "axes": axes, "exclude": exclude}
    return matrix, {name: draw(_recipe()) for name in draw(_some(["server", "other"], least=1))}


def _some(values: list[str], *, least: int = 0) -> st.SearchStrategy[list[str]]:
    if not values:
        return st.just([])
    return st.lists(st.sampled_from(values), unique=True, min_size=least, max_size=len(values))


def _most(values: list[str]) -> st.SearchStrategy[list[str]]:
    """All but one or two, in any order: random subsets would leave hardly a valid cell."""
    return st.permutations(values).flatmap(lambda order: st.integers(0, 2).map(lambda n: order[: len(order) - n]))


@st.composite
def _toolkit(draw: st.DrawFn, kind: str, version: str) -> dict[str, Any]:
    archs = [name for name, owner in ARCHS.items() if owner == kind]
    bad = {"reason": "it miscompiles", "archs": draw(_some(archs)), "link": "https://example.org/bad"}
    return {
        "accelerator": kind,
        "version": version,
        "build_base": draw(st.sampled_from(["debian", "vendor"])),
        "gcc": draw(compiler),
        "newest_gcc": draw(st.sampled_from([None, "14", "15"])),
        "known_bad": bad if draw(st.integers(0, 4)) == 4 else None,
        "source": "https://example.org/toolkit",
    }


@st.composite
def _arch(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    first, last = sorted((draw(st.integers(0, 4)), draw(st.integers(0, 4))))
    return {
        "accelerator": kind,
        "first_toolkit": VERSIONS[first] if draw(st.booleans()) else None,
        "last_toolkit": VERSIONS[last] if draw(st.booleans()) else None,
        "first_cmake": draw(st.sampled_from([None, None, "3.31.8"])),
        "platforms": draw(st.sampled_from([[], [], PLATFORMS[1:]])),
        "runs": draw(_some([name for name, owner in ARCHS.items() if owner == kind])),
    }


@st.composite
def _recipe(draw: st.DrawFn) -> dict[str, Any]:
    backends = {name: {"plugins": [f"ggml-{name}"]} for name in draw(_most(ACCELERATORS[1:]))}
    variants = [
        {"platform": name, "variants": ["x"]} for name in draw(st.sampled_from([[], [], PLATFORMS, PLATFORMS[:1]]))
    ]
    build = RECIPE["build"] | {"backends": backends, "cpu_variants": variants}
    return RECIPE | {"server": "llama.cpp", "accelerators": draw(_most(ACCELERATORS)), "build": build}
