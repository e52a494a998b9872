"""The shards of a plan, with what builds on this machine took before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from bakehouse.model.plan import Plan
from bakehouse.model.report import CellReport
from bakehouse.planning.shards import Shard, divide
from bakehouse.planning.stage_costs import costs, measured
from bakehouse.planning.stage_graph import works_of


def shards_of(plan: Plan, reports: Path, *, at_most: int) -> tuple[Shard, ...]:
    """`reports`: the folder of runs, whose cells say how long their stages took."""
    works = works_of(plan)
    return divide(works, costs(works, measured(_built(reports))), at_most=at_most)


def _built(reports: Path) -> Iterator[CellReport]:
    """What runs recorded of their cells, the oldest first. What cannot be read tells nothing."""
    for path in sorted(reports.glob("*/cells/*.json")):
        try:
            yield CellReport.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
