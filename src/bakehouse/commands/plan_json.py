"""A plan for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bakehouse.model.cell import Cell, Excluded
from bakehouse.model.plan import Plan
from bakehouse.pipeline.affected import Affected
from bakehouse.planning.candidates import RankedCell
from bakehouse.planning.recommend import Advice
from bakehouse.planning.shards import Shard


def document(
    plan: Plan,
    *,
    advices: Sequence[Advice],
    affected: Affected | None,
    shards: Sequence[Shard] = (),
    hosts: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A CI matrix reads `shards[].cells`. `shards`, `card`, `driver` and `affected` are there when they were asked for;
    `cards` holds an answer for each where there are several; `hosts` says who tests each cell, where there are hosts.
    """
    found: dict[str, Any] = {
        "fingerprint": plan.fingerprint,
        "selected_by": list(plan.selected_by),
        "cells": [_cell(cell) for cell in plan.cells],
        "excluded": [_excluded(item) for item in plan.excluded],
        "bake": plan.bake,
        "dockerfiles": plan.dockerfiles,
    }
    if len(advices) == 1:
        found |= _advice(advices[0])
    elif advices:
        found["cards"] = [_advice(one) for one in advices]
    if shards:
        found["shards"] = [{"cells": list(shard.cells), "seconds": round(shard.seconds)} for shard in shards]
    if hosts:
        found["hosts"] = dict(hosts)
    if affected:
        found["affected"] = {
            "since": affected.revision,
            "commit": affected.commit,
            "everything_because": affected.everything_because,
            "why": {name: list(what) for name, what in affected.why.items()},
            "gone": list(affected.gone),
        }
    return found


def _cell(cell: Cell) -> dict[str, Any]:
    toolkit = cell.toolkit
    return {
        "name": cell.name,
        "target": cell.target,
        "image": cell.image,
        "recipe": cell.at.recipe,
        "accelerator": cell.at.accelerator,
        "toolkit": cell.at.toolkit,
        "toolkit_version": toolkit.version if toolkit else None,
        "arch": cell.at.arch,
        "archs": list(cell.archs),
        "codes": list(cell.codes),
        "ptx": cell.ptx,
        "left_out": [asdict(left) for left in cell.left_out],
        "flag_set": cell.at.flag_set,
        "platform": cell.at.platform,
        "driver_floor": toolkit.driver_floor if toolkit else None,
        "driver_floor_native": (toolkit.driver_floor_minor or toolkit.driver_floor) if toolkit else None,
    }


def _excluded(item: Excluded) -> dict[str, Any]:
    return {
        "name": item.name, "reason": item.reason, "rule": item.rule, "link": item.link, "nearest": item.nearest
    }  # fmt: skip


def _advice(advice: Advice) -> dict[str, Any]:
    target, gpu = advice.target, advice.target.gpu if advice.target else None
    found: dict[str, Any] = {
        "notes": list(advice.notes),
        "ranked": [_candidate(one) for one in advice.ranked],
        "ruled_out": [asdict(one) for one in advice.ruled_out],
    }
    if target:
        found["card"] = {
            "name": target.name,
            "accelerators": list(target.accelerators),
            "arch": target.arch,
            "platforms": list(target.platforms),
            "memory": gpu.memory if gpu else None,
            "bandwidth": gpu.bandwidth if gpu else None,
            "in_catalogue": gpu is not None,
        }
    if advice.driver:
        found["driver"] = {"version": advice.driver, "toolkits": [asdict(one) for one in advice.toolkits]}
    return found


def _candidate(one: RankedCell) -> dict[str, Any]:
    return {
        "name": one.cell.name,
        "fit": one.fit,
        "runs": one.runs,
        "why": one.why,
        "driver": one.driver,
        "driver_for_all_features": one.driver_full,
        "run_with": one.run_with,
    }
