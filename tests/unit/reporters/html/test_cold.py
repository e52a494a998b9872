from __future__ import annotations

import pytest

from bakehouse.model.report import CellReport, Measurement, Sample
from bakehouse.reporters.html.cold import cold_starts
from tests.unit.reporters.sample import errored_cell
from tests.unit.reporters.world import measured


def started(**moments: float) -> CellReport:
    found: list[Measurement] = [
        measured("start", metric, "seconds", [Sample(start=0, repetition=0, value=value)], {})
        for metric, value in moments.items()
    ]
    return errored_cell().model_copy(update={"measurements": found})


def test_pieces_follow_one_another_to_the_last_moment() -> None:
    found = cold_starts([started(port_open=1, time_to_healthy=2, first_token=3, steady=4)])
    assert found
    (bar,) = found.bars
    assert [(piece.x, piece.width) for piece in bar.pieces] == [(0, 25), (25, 25), (50, 25), (75, 25)]
    assert bar.words == "port open 1.00 s, healthy 2.00 s, first token 3.00 s, steady 4.00 s"
    assert [name for _, name in found.legend] == ["port open", "healthy", "first token", "steady"]


def test_creating_comes_before_the_start_that_all_else_is_measured_from() -> None:
    found = cold_starts([started(create=1, port_open=1, time_to_healthy=3)])
    assert found
    assert [(piece.x, piece.width) for piece in found.bars[0].pieces] == [(0, 25), (25, 25), (50, 50)]
    assert found.bars[0].note == "1.00 s + 1.00 s, 3.00 s"


def test_cells_share_an_axis() -> None:
    found = cold_starts([started(time_to_healthy=1), started(time_to_healthy=4)])
    assert found
    assert [bar.pieces[0].width for bar in found.bars] == [25, 100]


def test_a_moment_before_the_one_it_follows_takes_no_room() -> None:
    found = cold_starts([started(time_to_healthy=4, first_token=3)])
    assert found
    assert [piece.width for piece in found.bars[0].pieces] == [100, 0]


@pytest.mark.parametrize("cells", [[], [errored_cell()]])
def test_nothing_measured_nothing_drawn(cells: list[CellReport]) -> None:
    assert cold_starts(cells) is None
