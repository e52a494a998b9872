from __future__ import annotations

from bakehouse.planning.render.labels import labels
from tests.unit.accelerated import accelerated


def ours(name: str) -> dict[str, str]:
    world, resolution = accelerated()
    (cell,) = [cell for cell in resolution.cells if cell.name == name]
    found = labels(cell, world)
    assert list(found) == sorted(found)
    return {key.removeprefix("io.bakehouse."): value for key, value in found.items() if key.startswith("io.bakehouse.")}


def test_a_group_says_what_its_plugin_really_holds() -> None:
    """CUDA 12.4 compiles one arch of the three."""
    found = ours("server-cuda12.4-many-amd64")
    assert (found["archs"], found["ptx"]) == ("sm_86", "sm_86")
    assert (found["toolkit"], found["driver-floor"], found["driver-floor-minor"]) == (
        "cuda 12.4.1",
        "550.54.15",
        "525.60.13",
    )


def test_several_archs_are_listed() -> None:
    assert ours("server-cuda12.9-many-arm64")["archs"] == "sm_86,sm_120,sm_121"


def test_nothing_is_said_of_what_is_not_there() -> None:
    assert set(ours("server-cpu-amd64")) == {"recipe", "cell", "accelerator", "flag-set"}
    assert "driver-floor" not in ours("server-rocm7.2-gfx1100-amd64")
