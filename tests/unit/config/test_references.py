"""Rows that contradict themselves or each other. Names that nothing defines: test_resolve.py, tests/invalid."""

from __future__ import annotations

from typing import Any

import pytest

from bakehouse.config.references import check_references
from bakehouse.errors import InputError
from tests.unit.planning.test_rules import CUDA, base, changed

NVIDIA = {"accelerator": "cuda"}
AMD = {"gfx1100": {"accelerator": "rocm"}}


def made_on(name: str) -> dict[str, Any]:
    return base(places=[{"dockerfile": {"template": "bases/x.Dockerfile.j2", "on": name}}])


def group(*archs: str, **more: Any) -> dict[str, Any]:
    return {"arch_groups": {"zoo": {"summary": "x", "archs": list(archs), **more}}}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"bases": {"debian": made_on("nowhere")}}, "bases.debian.places[0].dockerfile.on: 'nowhere' is not in"),
        ({"bases": {"debian": made_on("debian")}}, "bases.debian.places: the base debian would be made on itself"),
        (
            {"bases": {"a": made_on("b"), "b": made_on("c"), "c": made_on("b")}},
            "bases.b.places: the base b would be made on itself",
        ),
        (
            {"archs": {"sm_86": NVIDIA | {"runs": ["sm_8"]}}},
            "archs.sm_86.runs: 'sm_8' is not in the matrix's archs\n  Perhaps you meant 'sm_86'.",
        ),
        (
            {"archs": AMD | {"sm_86": NVIDIA | {"runs": ["gfx1100"]}}},
            "archs.sm_86.runs: gfx1100 is an arch of rocm, not of cuda",
        ),
        (
            {"archs": {"sm_86": NVIDIA | {"first_toolkit": "12.10", "last_toolkit": "12.9"}}},
            "archs.sm_86.first_toolkit: first_toolkit is newer than last_toolkit",
        ),
        (
            {"toolkits": {"cuda12.9": CUDA | {"known_bad": {"reason": "x", "archs": ["sm_8"]}}}},
            "toolkits.cuda12.9.known_bad.archs: 'sm_8' is not in",
        ),
        (
            {"toolkits": {"cuda12.9": CUDA | {"known_bad": {"reason": "x", "fixed_in": "12.9.1"}}}},
            "toolkits.cuda12.9.known_bad.fixed_in: 12.9.1 is not older than the version that mends it",
        ),
        (
            {"toolkits": {"cuda12.9": CUDA | {"driver_floor": "525", "driver_floor_minor": "575.57"}}},
            "toolkits.cuda12.9.driver_floor_minor: driver_floor_minor must be older than driver_floor",
        ),
        (
            {"toolkits": {"cuda12.9": CUDA | {"driver_floor_minor": "525"}}},
            "driver_floor_minor must be older than driver_floor",
        ),
        ({"toolkits": {"cpu1": CUDA | {"accelerator": "cpu"}}}, "toolkits.cpu1.accelerator: cpu cells have no toolkit"),
        ({"archs": AMD, **group("sm_86", "gfx1100")}, "arch_groups.zoo.archs: mixes archs of cuda and rocm"),
        (group("sm_86", "sm_86"), "arch_groups.zoo.archs: 'sm_86' is listed twice"),
        (
            {"archs": {"sm_86": NVIDIA | {"code": "sm_120a"}}, **group("sm_86", "sm_120")},
            "arch_groups.zoo.archs: sm_86 and sm_120 are compiled as the same code, sm_120a",
        ),
        (
            group("sm_86", ptx="sm_120"),
            "arch_groups.zoo.ptx: sm_120 is compiled as sm_120a, whose PTX no newer card runs",
        ),
        ({"archs": AMD, **group("gfx1100", ptx="gfx1100")}, "arch_groups.zoo.ptx: rocm has no PTX"),
        ({"archs": AMD, **group("gfx1100", ptx="sm_86")}, "arch_groups.zoo.ptx: sm_86 is an arch of cuda, not of rocm"),
        (
            {"gpus": {"a": {"accelerator": "rocm", "arch": "sm_86"}}},
            "gpus.a.arch: sm_86 is an arch of cuda, not of rocm",
        ),
        (
            {
                "archs": {"sm_121": NVIDIA | {"platforms": ["linux/arm64"]}},
                "gpus": {"gb10": {"accelerator": "cuda", "arch": "sm_121"}},
            },
            "gpus.gb10.platform: sm_121 is in linux/arm64 machines only, and this card is said to be in linux/amd64",
        ),
        (
            {
                "gpus": {
                    "a": {"accelerator": "cuda", "arch": "sm_86", "pci": ["10de:0001"]},
                    "b": {"accelerator": "cuda", "arch": "sm_120", "pci": ["10de:0001"]},
                }
            },
            "gpus.b.pci: 10de:0001 already belongs to a, a card of another arch",
        ),
    ],
)
def test_says_which_row_is_wrong(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_references(changed(**sections))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "sections",
    [
        {"bases": {"a": made_on("debian"), "b": made_on("a"), "c": made_on("a")}},
        group("sm_86", "sm_120", ptx="sm_86"),
        {"toolkits": {"cuda12.9": CUDA | {"driver_floor": "525.60.13", "driver_floor_minor": "525"}}},
        {
            "gpus": {
                "xt": {"accelerator": "cuda", "arch": "sm_86", "pci": ["10de:0001"]},
                "xtx": {"accelerator": "cuda", "arch": "sm_86", "pci": ["10de:0001"]},
            }
        },
    ],
)
def test_is_content_with_what_only_looks_odd(sections: dict[str, Any]) -> None:
    check_references(changed(**sections))


def test_a_group_may_not_take_the_name_of_an_arch() -> None:
    world = changed(archs={"ada": NVIDIA}, arch_groups={"ada": {"summary": "x", "archs": ["sm_86"]}})
    with pytest.raises(InputError, match="'ada' is an arch already"):
        check_references(world)
