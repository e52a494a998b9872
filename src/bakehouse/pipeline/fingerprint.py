"""Whether two runs do the same, so that one can go on where the other was cut off."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from bakehouse.config.layout import ProjectLayout
from bakehouse.model.build import WheelsBuild
from bakehouse.model.cell import Cell
from bakehouse.model.matrix import ModelFile
from bakehouse.model.plan import Plan
from bakehouse.pipeline.job import Options
from bakehouse.supply.checksum import sha256_of, sha256_of_tree


def run_fingerprint(
    plan: Plan,
    options: Options,
    *,
    root: Path,
    where: tuple[str, ...],
    versus: Mapping[str, str] | None = None,
    models: Mapping[str, ModelFile] | None = None,
) -> str:
    """sha256 over what decides the verdicts: the plan, how it is probed, the files that are read, `where` it runs.

    `versus`: by cell, the image that it is measured in turn with. `models`: the matrix's.
    """
    layout = ProjectLayout(root=root)
    folders = [layout.recipe(name) for name in sorted({name for cell in plan.cells for name in _folders(cell)})]
    content = {
        "plan": plan.fingerprint,
        "how": [options.tests, options.prove, options.probes, options.quick, options.starts, options.repetitions],
        "calibrates": options.calibrates,
        "client": options.client,
        "beside": versus or {},
        "models": _models(plan, models or {}),
        "suite": {path.name: sha256_of(path) for path in layout.image_tests()},
        "files": [sha256_of_tree(folder) for folder in folders if folder],
        "where": where,
    }
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _folders(cell: Cell) -> tuple[str, ...]:
    """Of recipes: its own, and those with files that it shares with others."""
    build = cell.recipe.build
    return (cell.at.recipe, *(build.shares if isinstance(build, WheelsBuild) else ()))


def _models(plan: Plan, models: Mapping[str, ModelFile]) -> dict[str, list[object]]:
    """What the cells are probed with: its bytes, and what it is asked."""
    names = {name for cell in plan.cells if (name := cell.recipe.probes.served_model)}
    found = {name: models[name] for name in sorted(names & models.keys())}
    return {name: [row.sha256, row.question and row.question.model_dump(mode="json")] for name, row in found.items()}
