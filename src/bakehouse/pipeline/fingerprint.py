"""Whether two runs do the same, so that one can go on where the other was cut off."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from bakehouse.model.plan import Plan
from bakehouse.pipeline.job import Options
from bakehouse.supply.checksum import sha256_of_tree

TESTS = Path("tests") / "images"


def run_fingerprint(
    plan: Plan, options: Options, *, root: Path, where: tuple[str, ...], versus: Mapping[str, str] | None = None
) -> str:
    """sha256 over what decides the verdicts: the plan, how it is probed, the files that are read, `where` it runs.

    `beside`: by cell, the image that it is measured in turn with.
    """
    recipes = {cell.at.recipe for cell in plan.cells}
    folders = [root / TESTS, *(root / "recipes" / name for name in sorted(recipes))]
    content = {
        "plan": plan.fingerprint,
        "how": [options.tests, options.prove, options.probes, options.quick, options.starts, options.repetitions],
        "calibrates": options.calibrates,
        "client": options.client,
        "beside": versus or {},
        "files": [sha256_of_tree(folder) for folder in folders if folder.is_dir()],
        "where": where,
    }
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
