"""Cells that are cross-compiled: what runs where, and which contexts stand for the two platforms of a base."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bakehouse.config.load import load_project
from bakehouse.model.build import WheelsBuild
from bakehouse.model.cell import Cell, World
from bakehouse.model.lock import Lock
from bakehouse.model.plan import Supply
from bakehouse.planning.planner import published_supplies
from bakehouse.planning.render.bake_file import bake_file
from bakehouse.planning.render.dockerfile import Renderer
from bakehouse.planning.resolve import resolve
from tests.unit.projects import ROOT

IMAGE = Supply(context="docker-image://registry/debian@sha256:1")
MADE = Supply(context="target:base-debian-trixie", rootfs="/cache/bases/trixie")


@pytest.fixture(scope="module")
def world() -> World:
    return load_project(ROOT).world


@pytest.fixture(scope="module")
def cells(world: World) -> dict[str, Cell]:
    return {cell.name: cell for cell in resolve(world).cells}


def stages(dockerfile: str) -> dict[str, tuple[str, list[str]]]:
    """Name to what the stage starts FROM, and its RUN instructions."""
    found: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for line in dockerfile.splitlines():
        if line.startswith("FROM "):
            start, _, name = line.removeprefix("FROM ").rpartition(" AS ")
            found[name] = (start, [])
        elif line.startswith("RUN "):
            found[name][1].append(line)
    return found


def test_nothing_is_ever_run_on_the_platform_that_is_compiled_for(world: World, cells: dict[str, Cell]) -> None:
    """Neither an emulated compiler nor the package manager of the image."""
    crossed = [cell for cell in cells.values() if cell.cross]
    assert crossed
    for cell in crossed:
        found = stages(Renderer(ROOT).render(cell, world))
        here = {name for name, (start, _) in found.items() if start.startswith("--platform=$BUILDPLATFORM ")}
        while more := {name for name, (start, _) in found.items() if start in here} - here:
            here |= more
        foreign = {name: runs for name, (_, runs) in found.items() if name not in here and runs}
        assert not foreign, cell.name
        assert {"runtime", "image"}.isdisjoint(here), cell.name


def test_amd64_cells_know_nothing_of_it(world: World, cells: dict[str, Cell]) -> None:
    for cell in cells.values():
        if not cell.cross:
            text = Renderer(ROOT).render(cell, world)
            assert not [word for word in ("BUILDPLATFORM", "aarch64", "arm64") if word in text], cell.name


def test_files_of_packages_are_left_out_of_what_is_copied(world: World, cells: dict[str, Cell]) -> None:
    """Packages are unpacked below another root; what is new there becomes the image's."""
    cell = next(one for one in cells.values() if one.cross and isinstance(one.recipe.build, WheelsBuild))
    name = cell.at.accelerator
    build = cell.recipe.build
    assert isinstance(build, WheelsBuild)
    leaner = build.backends[name].model_copy(update={"leave_out_of_packages": ("/usr/bin/ocloc", "/opt/a b")})
    build = build.model_copy(update={"backends": {**build.backends, name: leaner}})
    text = Renderer(ROOT).render(replace(cell, recipe=cell.recipe.model_copy(update={"build": build})), world)
    assert text.count("rm /rootfs/usr/bin/ocloc '/rootfs/opt/a b'") == 1
    before, _, after = text.partition("rm /rootfs/usr")
    assert "DPkg::Options::=--root=/rootfs" in before
    assert "xargs -0 cp -a --parents -t /out" in after
    assert "rm /rootfs/usr" not in Renderer(ROOT).render(cell, world)


def contexts(cell: Cell, world: World, **bases: Supply) -> dict[str, str]:
    supplies = published_supplies(world, Lock())
    supplies = replace(supplies, bases=supplies.bases | bases)
    found: dict[str, str] = bake_file((cell,), world, supplies)["target"][cell.target]["contexts"]
    return found


def test_a_registrys_image_stands_for_both_platforms(world: World, cells: dict[str, Cell]) -> None:
    found = contexts(cells["llama-server-cpu-arm64"], world, **{"debian-trixie": IMAGE})
    assert (found["debian-trixie"], found["debian-trixie-arm64"]) == (IMAGE.context, IMAGE.context)
    found = contexts(cells["llama-server-cpu-amd64"], world, **{"debian-trixie": IMAGE})
    assert "debian-trixie-arm64" not in found


def test_what_was_made_on_this_machine_stands_for_its_own_platform_only(world: World, cells: dict[str, Cell]) -> None:
    cell = cells["llama-server-cpu-arm64"]
    assert "debian-trixie-arm64" not in contexts(cell, world, **{"debian-trixie": MADE})
    assert "debian-trixie-arm64" in stages(Renderer(ROOT).render(cell, world))


def test_a_backend_takes_libraries_from_the_image_of_its_platform(world: World, cells: dict[str, Cell]) -> None:
    cell = cells["llama-server-cuda13.0-sm121-arm64"]
    found = stages(Renderer(ROOT).render(cell, world))
    assert found["backend-target"] == ("cuda-13.0-arm64", [])
    assert found["backend-toolchain"][0] == "--platform=$BUILDPLATFORM cuda-13.0"
    vendor = contexts(cell, world, **{"cuda-13.0": IMAGE})
    assert vendor["cuda-13.0-arm64"] == IMAGE.context
    made = Supply(context="", on=("debian-trixie", MADE))
    assert "cuda-13.0-arm64" not in contexts(cell, world, **{"cuda-13.0": made, "debian-trixie": MADE})
