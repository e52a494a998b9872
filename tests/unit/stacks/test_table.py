"""Tables of a stack: at any width names stay in one piece, and the columns that gave way are named."""

from __future__ import annotations

import io

import pytest

from bakehouse.cli.console import Output
from bakehouse.stacks.plan import StackPlan
from bakehouse.stacks.table import cards_table, services_table
from tests.unit.stacks.sample import MIXED, PLAIN, plan
from tests.unit.stacks.test_golden import FULL, PLAIN_STACK

ALL = ("service", "profile", "image", "on", "takes", "how", "limit", "reached at")


def shown(made: StackPlan, width: int | None) -> str:
    """Both tables as a terminal of that width has them; None: a pipe."""
    stream = io.StringIO()
    out = Output(file=stream, width=width or 80, color_system=None, legacy_windows=False)
    out.print(services_table(made, width=width))
    if (cards := cards_table(made, width=width)) is not None:
        out.print(cards)
    return stream.getvalue()


@pytest.fixture(params=["full", "plain"])
def made(request: pytest.FixtureRequest) -> StackPlan:
    return {"full": plan(FULL, MIXED), "plain": plan(PLAIN_STACK, PLAIN)}[request.param]


@pytest.mark.parametrize("width", [None, 20, 40, 60, 80, 100, 120, 200])
def test_no_name_is_broken_and_no_row_folded(made: StackPlan, width: int | None) -> None:
    lines = [line.rstrip() for line in shown(made, width).splitlines()]

    for service in made.services:
        (row,) = [line for line in lines if line.startswith(f"{service.name} ")]
        assert service.cell in row.split()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_columns_give_way_until_names_fit(made: StackPlan, width: int) -> None:
    text = shown(made, width)
    header, *_ = text.splitlines()

    least = max(len(f"{one.name}  {one.cell}  {'1.00 GiB'}") for one in made.services) + 20
    assert max(map(len, text.splitlines())) <= max(width, least)
    gone = [name for name in ALL if name not in header and (name != "profile" or made.profiles)]
    said = " ".join(text.split())
    assert all(name in said.partition("a wider terminal shows: ")[2] for name in gone)


def test_a_pipe_gets_everything(made: StackPlan) -> None:
    text = shown(made, None)

    assert "a wider terminal" not in text
    assert all(name in text.splitlines()[0] for name in ALL if name != "profile" or made.profiles)
    for service in made.services:
        if service.publish:
            address, port = service.publish
            assert f"{f'[{address}]' if ':' in address else address}:{port}" in text


def test_each_service_of_a_card_has_a_line(made: StackPlan) -> None:
    text = shown(made, 80)

    for slot in made.machine.slots:
        assert f"{slot.index} {slot.name}" in text
        assert all(f"{one.name} " in text for one in made.on(slot))
