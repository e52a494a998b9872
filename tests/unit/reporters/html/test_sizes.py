from __future__ import annotations

import pytest

from bakehouse.reporters.html.sizes import sizes
from tests.unit.reporters.sample import MIB, errored_cell, passed_cell


@pytest.mark.parametrize(("budget", "limit", "width"), [(320, 100, 50), (160, 100, 100), (80, 50, 100), (40, 50, 100)])
def test_a_bar_is_a_share_of_its_budget(budget: int, limit: float, width: float) -> None:
    cell = passed_cell("a", flag_set="default", seed=1, decode=1)
    assert cell.image
    whole = cell.image.model_copy(update={"bytes_unpacked": 160 * MIB})
    found = sizes([cell.model_copy(update={"size_budget": budget * MIB, "image": whole})])
    assert found
    assert found.limit == limit
    (row,) = found.rows
    end = row.pieces[-1].x + row.pieces[-1].width
    assert end == pytest.approx(width, abs=0.1)
    assert row.is_over is (budget < 160)
    assert (" over " in row.note) is row.is_over


def test_in_a_brief_report_a_bar_is_one_piece() -> None:
    cell = passed_cell("a", flag_set="default", seed=1, decode=1).model_copy(update={"size_budget": 500 * MIB})
    found = sizes([cell], by_layer=False)
    assert found
    assert len(found.rows[0].pieces) == 1


def test_without_a_budget_or_an_image_there_is_nothing_to_draw() -> None:
    cell = passed_cell("a", flag_set="default", seed=1, decode=1)
    assert sizes([cell, errored_cell()]) is None
