from __future__ import annotations

import pytest

from bakehouse.model.cell import Coordinates
from bakehouse.model.enums import AcceleratorName
from bakehouse.planning.nearest_cell import INSTEAD, Neighbourhood
from tests.unit.planning.test_rules import CUDA, changed

MATRIX = changed(
    toolkits={f"cuda{version}": CUDA | {"version": version} for version in ("12.4", "12.8", "12.9", "13.0")},
    archs={
        "sm_80": {"accelerator": "cuda", "runs": ["sm_86"]},
        "sm_121": {"accelerator": "cuda"},
        "sm_120f": {"accelerator": "cuda", "runs": ["sm_120", "sm_121"]},
    },
    arch_groups={
        "spark": {"summary": "x", "archs": ["sm_86", "sm_121"]},
        "zoo": {"summary": "x", "archs": ["sm_120", "sm_121"]},
    },
).matrix


def at(accelerator: str, toolkit: str | None = None, arch: str | None = None, **others: str) -> Coordinates:
    values = {"recipe": "server", "platform": "linux/amd64", "flag_set": "default"} | others
    return Coordinates(accelerator=AcceleratorName(accelerator), toolkit=toolkit, arch=arch, **values)


ARM = "linux/arm64"


@pytest.mark.parametrize(
    ("asked", "valid", "nearest"),
    [
        # The toolkit changes first, to the next newer one; only then to an older one.
        (
            at("cuda", "cuda12.4", "sm_86"),
            [at("cuda", "cuda13.0", "sm_86"), at("cuda", "cuda12.9", "sm_86")],
            "server-cuda12.9-sm86-amd64",
        ),
        (
            at("cuda", "cuda12.9", "sm_86"),
            [at("cuda", "cuda12.4", "sm_86"), at("cuda", "cuda12.8", "sm_86")],
            "server-cuda12.8-sm86-amd64",
        ),
        (
            at("cuda", "cuda12.9", "sm_86"),
            [at("cuda", "cuda12.8", "sm_86"), at("cuda", "cuda13.0", "sm_86")],
            "server-cuda13.0-sm86-amd64",
        ),
        # Then the flag set, then the platform, then the cards, then the accelerator.
        (
            at("cuda", "cuda12.4", "sm_86", flag_set="big"),
            [at("cuda", "cuda13.0", "sm_86", flag_set="big"), at("cuda", "cuda12.4", "sm_86")],
            "server-cuda13.0-sm86-big-amd64",
        ),
        (
            at("cuda", "cuda12.4", "sm_86", flag_set="big"),
            [
                at("cuda", "cuda12.4", "sm_86", platform=ARM, flag_set="big"),
                at("cuda", "cuda13.0", "sm_86", flag_set="other"),
            ],
            "server-cuda13.0-sm86-other-amd64",
        ),
        (
            at("cuda", "cuda12.8", "sm_121"),
            [at("cuda", "cuda13.0", "sm_121", platform=ARM), at("cuda", "cuda12.8", "sm_86")],
            "server-cuda13.0-sm121-arm64",
        ),
        (
            at("cuda", "cuda12.4", "sm_86", platform=ARM),
            [at("vulkan", platform=ARM), at("cuda", "cuda13.0", "sm_121")],
            "server-cuda13.0-sm121-amd64",
        ),
        # Code that serves the same cards: another arch's, a group's; the fewest cards that go without.
        (
            at("cuda", "cuda12.9", "sm_86"),
            [at("cuda", "cuda12.9", "sm_121"), at("cuda", "cuda12.9", "sm_80")],
            "server-cuda12.9-sm80-amd64",
        ),
        (
            at("cuda", "cuda12.9", "sm_121"),
            [at("cuda", "cuda12.9", "sm_120"), at("cuda", "cuda12.9", "spark")],
            "server-cuda12.9-spark-amd64",
        ),
        (
            at("cuda", "cuda12.9", "sm_120f"),
            [at("cuda", "cuda12.9", "spark"), at("cuda", "cuda12.9", "zoo")],
            "server-cuda12.9-zoo-amd64",
        ),
        # Of flag sets that were not asked for, the default one.
        (
            at("cpu", flag_set="x"),
            [at("cpu", flag_set="blas"), at("cpu")],
            "server-cpu-amd64",
        ),
        # Where nothing of an accelerator is left: what runs on most cards.
        (at("rocm"), [at("cpu"), at("vulkan")], "server-vulkan-amd64"),
        # Another recipe is another thing.
        (at("cpu"), [at("cpu", recipe="other")], None),
        (at("cpu"), [], None),
    ],
)
def test_keeps_what_a_person_is_bound_to(asked: Coordinates, valid: list[Coordinates], nearest: str | None) -> None:
    for order in (valid, valid[::-1]):
        found = Neighbourhood(order, MATRIX).nearest(asked)
        assert (found.name if found else None) == nearest


def test_each_accelerator_has_its_place_among_those_that_are_offered_instead() -> None:
    assert sorted(INSTEAD) == sorted(AcceleratorName)
