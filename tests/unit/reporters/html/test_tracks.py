from __future__ import annotations

from dataclasses import replace

from bakehouse.history.baseline import Baseline
from bakehouse.model.enums import Change
from bakehouse.reporters.html.tracks import HEIGHT, MOST, changes, history
from tests.unit.reporters.sample import sample_run
from tests.unit.reporters.world import history as made
from tests.unit.reporters.world import world_with_comparison


def test_a_change_point_lies_between_two_levels() -> None:
    drawn = history(world_with_comparison().compared[0], "tokens/s")
    assert drawn
    assert len(drawn.levels) == 2
    (change,) = drawn.changes
    assert drawn.levels[0].end < change.x < drawn.levels[1].x
    assert change.words == "since 2026-11-03 6.4% more"
    assert drawn.now
    assert drawn.now[0] > drawn.dots[-1][0]
    assert "40 runs from 2026-10-12 to 2026-11-20" in drawn.description


def test_without_earlier_runs_there_is_nothing_to_draw() -> None:
    assert history(replace(world_with_comparison().compared[0], baseline=Baseline()), "tokens/s") is None


def test_of_a_long_history_the_newest_runs_are_drawn() -> None:
    compared = replace(world_with_comparison().compared[0], baseline=made([100 + number % 3 for number in range(500)]))
    drawn = history(compared, "tokens/s")
    assert drawn
    assert len(drawn.dots) == MOST
    assert all(0 <= level.x <= level.end <= 100 for level in drawn.levels)
    assert all(0 <= x <= 100 and 0 <= y <= HEIGHT for x, y in [*drawn.dots, *([drawn.now] if drawn.now else [])])


def test_the_worst_is_first_and_links_to_its_cell() -> None:
    run = sample_run()
    views = changes(world_with_comparison(), run.cells, {0: "cell-a", 1: "b", 2: "c", 3: "d"})
    assert [view.record.judged.verdict for view in views] == [Change.REGRESS, Change.INCONCLUSIVE, Change.PASS]
    assert [view.anchor for view in views] == ["cell-a", "", "cell-a"]
