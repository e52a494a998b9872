from __future__ import annotations

from bakehouse.model.enums import Disturbance, Grade, Verdict
from bakehouse.model.limit import Limit
from bakehouse.model.report import CellReport, Grading, Measurement
from bakehouse.reporters.html.curves import HEIGHT, Sweep, sweeps
from tests.unit.reporters.work_cells import work_cell
from tests.unit.reporters.world import cell


def sweep(cell: CellReport) -> Sweep | None:
    return next(sweeps(cell), None)


def test_levels_in_the_order_of_users() -> None:
    found = sweep(cell("cpu", seed=1, rates=(200, 100)))
    assert found
    assert [level.users for level in found.levels] == [1, 2, 4, 8]
    assert [panel.title for panel in found.panels] == ["Time to first token", "Time between tokens"]
    panel = found.panels[0]
    assert [line.kind for line in panel.lines] == ["p90", "p50"]
    places = [spot.x for spot in panel.lines[1].spots]
    assert places == sorted(places)
    assert all(0 < spot.y < HEIGHT for line in panel.lines for spot in line.spots)
    assert panel.description.startswith("1 users: ")


def test_a_cell_without_a_sweep_has_no_curve() -> None:
    found = cell("cpu", seed=1, rates=(200, 100))
    rest = [one for one in found.measurements if not one.workload.startswith("sweep")]
    assert sweep(found.model_copy(update={"measurements": rest})) is None


def test_a_level_that_is_void_is_in_the_table_and_not_in_the_drawing() -> None:
    found = sweep(voided("sweep-8u"))
    assert found
    assert (found.levels[-1].rate, found.levels[-1].void) == (None, 15)
    assert [spot.users for spot in found.panels[0].lines[1].spots] == [1, 2, 4]


def test_a_server_whose_chunks_hold_several_tokens_has_no_time_between_tokens() -> None:
    base = cell("cpu", seed=1, rates=(200, 100))
    rest = [one for one in base.measurements if not one.metric.startswith("itl")]
    found = sweep(base.model_copy(update={"measurements": rest}))
    assert found
    assert [panel.title for panel in found.panels] == ["Time to first token"]
    assert found.levels[0].times[2:] == (None, None)


def voided(workload: str) -> CellReport:
    found = cell("cpu", seed=1, rates=(200, 100))

    def void(one: Measurement) -> Measurement:
        samples = [sample.model_copy(update={"verdict": Verdict.VOID, "reason": "busy"}) for sample in one.samples]
        return one.model_copy(update={"samples": samples})

    changed = [void(one) if one.workload == workload else one for one in found.measurements]
    return found.model_copy(update={"measurements": changed})


def test_other_work_is_drawn_by_clients_and_by_batch_in_its_own_unit() -> None:
    clients, batches = sweeps(work_cell())
    assert [level.users for level in clients.levels] == [1, 4]
    assert [level.users for level in batches.levels] == [1, 8]
    assert (clients.unit, clients.title, clients.who) == ("embeddings/s", "embed", "clients")
    assert [panel.title for panel in clients.panels] == ["Time to the whole answer"]
    assert "tokens" not in clients.panels[0].description


def test_what_a_level_is_worth_stands_beside_its_rate() -> None:
    base = cell("cpu", seed=1, rates=(200, 100))
    grading = Grading(grade=Grade.NOISY, low=90.0, high=120.0, disturbances=[Disturbance.OTHER_WORK])
    limit = Limit(by="compute", rate=1000.0, ceiling=1e11, work=1e8, source="measured here")

    def noisy(one: Measurement) -> Measurement:
        return one.model_copy(update={"grading": grading, "limits": [limit]})

    changed = [noisy(one) if one.metric == "system_rate" else one for one in base.measurements]
    found = sweep(base.model_copy(update={"measurements": changed}))
    assert found
    assert found.has_limits
    assert (found.levels[0].is_noisy, found.levels[0].interval) == (True, "90.0 to 120")
    assert found.levels[0].share.endswith(" %")
    assert not sweep(base).has_limits  # type: ignore[union-attr] # there is one
