from __future__ import annotations

from collections import Counter

import pytest

from bakehouse.errors import InputError
from bakehouse.machine import Machine
from bakehouse.model.cell import Resolution, World
from bakehouse.model.fleet import FleetHost
from bakehouse.model.matrix import Matrix
from bakehouse.planning.fleet import divide, elsewhere, have_card, runs_there, targets, without_suite
from bakehouse.planning.select import Selection, select
from tests.unit.accelerated import accelerated

CPU_ONLY = Machine(platform="linux/amd64", cores=2, cards=())


@pytest.fixture(scope="module")
def project() -> tuple[World, Resolution]:
    return accelerated()


def with_hosts(matrix: Matrix, **hosts: dict[str, object]) -> Matrix:
    return matrix.model_copy(update={"hosts": {name: FleetHost(**row) for name, row in hosts.items()}})  # type: ignore[arg-type]


def ssh(*cards: str, **more: object) -> dict[str, object]:
    return {"ssh": "ssh://me@there", "cards": cards, **more}


def test_a_cell_goes_to_a_host_with_a_card_that_runs_it_and_else_stays_here(project: tuple[World, Resolution]) -> None:
    world, resolution = project
    matrix = with_hosts(world.matrix, box=ssh("rtx5090"))
    found = divide(resolution.cells, matrix)
    assert set(found) == {cell.name for cell in resolution.cells}
    there = [cell for cell in resolution.cells if found[cell.name] == "box"]
    assert there
    for cell in there:
        assert "sm_120" in cell.archs or cell.at.accelerator == "vulkan"
        assert cell.at.platform == "linux/amd64"
    assert {found[cell.name] for cell in resolution.cells if cell.at.accelerator == "cpu"} == {"here"}


def test_hosts_with_the_same_card_share_the_cells(project: tuple[World, Resolution]) -> None:
    world, resolution = project
    matrix = with_hosts(world.matrix, one=ssh("rtx5090"), two=ssh("rtx5090"), three=ssh("rtx5090"))
    load = Counter(divide(resolution.cells, matrix).values())
    shares = [load[name] for name in ("one", "two", "three")]
    assert max(shares) - min(shares) <= 1
    assert (
        sum(shares) == Counter(divide(resolution.cells, with_hosts(world.matrix, one=ssh("rtx5090"))).values())["one"]
    )


def test_the_order_of_the_cells_does_not_matter(project: tuple[World, Resolution]) -> None:
    world, resolution = project
    matrix = with_hosts(world.matrix, one=ssh("rtx5090", "cpu"), two=ssh("cpu"))
    assert divide(resolution.cells, matrix) == divide(tuple(reversed(resolution.cells)), matrix)


def test_here_takes_its_part_where_it_is_a_host(project: tuple[World, Resolution]) -> None:
    world, resolution = project
    cells = [cell for cell in resolution.cells if cell.at.accelerator == "cpu" and cell.at.platform == "linux/amd64"]
    matrix = with_hosts(world.matrix, here={"cards": ("cpu",)}, other=ssh("cpu"))
    load = Counter(divide([*cells, cells[0]], matrix).values())
    assert abs(load["here"] - load["other"]) <= 1 or len(cells) == 1
    assert set(divide(cells, with_hosts(world.matrix, other=ssh("cpu"))).values()) == {"other"}


def test_only_the_named_hosts_count(project: tuple[World, Resolution]) -> None:
    world, resolution = project
    matrix = with_hosts(world.matrix, one=ssh("cpu"), two=ssh("cpu"))
    assert set(divide(resolution.cells, matrix, only=("two",)).values()) == {"two", "here"}
    assert set(divide(resolution.cells, matrix, only=("here",)).values()) == {"here"}
    with pytest.raises(InputError, match="--host tow: the matrix has no such host") as caught:
        divide(resolution.cells, matrix, only=("tow",))
    assert caught.value.hint == "Perhaps you meant 'two'."


def test_a_hosts_platform_is_that_of_its_card_unless_it_says_another(project: tuple[World, Resolution]) -> None:
    world, _ = project
    matrix = with_hosts(world.matrix, gb=ssh("gb10"), arm=ssh("cpu", platform="linux/arm64"), box=ssh("cpu"))
    of_arm64 = targets(matrix, platform="linux/arm64")
    assert {name: found[0].platforms for name, found in of_arm64.items()} == {
        "gb": ("linux/arm64",), "arm": ("linux/arm64",),
    }  # fmt: skip
    assert {name: found[0].platforms for name, found in targets(matrix).items()} == {"box": ("linux/amd64",)}


def test_cards_are_found_by_name_alias_and_arch_on_other_machines_only(project: tuple[World, Resolution]) -> None:
    matrix = with_hosts(project[0].matrix, here={"cards": ("rtx4090",)}, box=ssh("rtx5090"))
    hosts = elsewhere(matrix)
    assert have_card("rtx5090", hosts, matrix)
    assert have_card("sm_120", hosts, matrix)
    assert not have_card("rtx4090", hosts, matrix)
    assert not have_card("cpu", hosts, matrix)


def test_without_a_choice_cells_of_the_fleets_cards_are_chosen_too(project: tuple[World, Resolution]) -> None:
    world, resolution = project
    matrix = with_hosts(world.matrix, box=ssh("rtx5090"))
    alone = select(resolution, Selection(), matrix=world.matrix, machine=CPU_ONLY)
    together = select(resolution, Selection(), matrix=matrix, machine=CPU_ONLY)
    known = {cell.name for cell in alone}
    more = [cell for cell in together if cell.name not in known]
    assert known < {cell.name for cell in together}
    assert all(runs_there(cell, elsewhere(matrix), matrix) for cell in more)


def test_a_host_of_another_platform_tests_nothing_and_is_told(project: tuple[World, Resolution]) -> None:
    """The suite that is brought there is this machine's Python."""
    world, resolution = project
    matrix = with_hosts(world.matrix, arm=ssh("cpu", platform="linux/arm64"), box=ssh("rtx5090"))

    assert set(divide(resolution.cells, matrix, platform="linux/amd64").values()) == {"box", "here"}
    assert "arm" not in elsewhere(matrix, platform="linux/amd64")
    (said,) = without_suite(resolution.cells, matrix, platform="linux/amd64")
    assert said.startswith(
        "arm tests nothing: it is a linux/arm64 machine, and the suite of this one runs on linux/amd64"
    )
    assert "--images" in said
    with pytest.raises(InputError, match="--host arm: it is a linux/arm64 machine"):
        targets(matrix, ["arm"], platform="linux/amd64")
    amd64 = [cell for cell in resolution.cells if cell.at.platform == "linux/amd64"]
    assert without_suite(amd64, matrix, platform="linux/amd64") == [], "none of them would be tested there"


def test_on_that_platform_it_is_the_other_way_round(project: tuple[World, Resolution]) -> None:
    world, resolution = project
    matrix = with_hosts(world.matrix, here={"cards": ("cpu",)}, arm=ssh("cpu", platform="linux/arm64"))
    arm64 = [cell for cell in resolution.cells if cell.at.platform == "linux/arm64" and cell.at.accelerator == "cpu"]

    assert set(divide(arm64, matrix, platform="linux/arm64").values()) <= {"here", "arm"}
    assert without_suite(arm64, matrix, platform="linux/arm64") == []
