"""How planning grows: a generated matrix of 1,000 and of 10,000 cells, each in a process of its own.

    python benchmarks/plan_scale.py

`plan` is what `bakehouse plan` does (read, resolve, decide); `render` adds every Dockerfile and the bake file.
Prints medians of several runs, the ratio between the two sizes, and the peak memory. Targets: at most 12 times the
time for 10 times the cells, under 300 MB.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess  # noqa: TID251 - a benchmark measures whole processes
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RUNS = 5
SIZES = (1_000, 10_000)
ROOT = Path(__file__).parents[1]


def write_matrix(root: Path, cells: int) -> None:
    """`cells` combinations: recipes x flag sets x 2 platforms."""
    import yaml

    from bakehouse.config.yaml_document import parse

    matrix: dict[str, Any] = parse((ROOT / "matrix.yaml").read_text(), file="matrix.yaml").value
    recipe = (ROOT / "recipes/llama-server/recipe.yaml").read_text()
    first = "    - platform: linux/amd64"
    recipe = recipe.replace(first, f"    - platform: linux/arm64\n      variants: [x]\n{first}")
    recipes = cells // 100 // 2
    for index in range(recipes):
        folder = root / "recipes" / f"server-{index}"
        folder.mkdir(parents=True)
        (folder / "recipe.yaml").write_text(recipe)
    row = {"summary": "x", "accelerators": ["cpu"]}
    matrix["flag_sets"] = {f"set-{index}": row | {"cmake": {"OPTION": str(index)}} for index in range(100)}
    matrix["axes"] = {
        "accelerator": ["cpu"],
        "flag_set": list(matrix["flag_sets"]),
        "platform": ["linux/amd64", "linux/arm64"],
    }
    matrix["exclude"] = []
    (root / "matrix.yaml").write_text(yaml.safe_dump(matrix, sort_keys=False))
    (root / "dockerfiles").symlink_to(ROOT / "dockerfiles")


def measure(root: Path) -> dict[str, float]:
    """Plan and render once, in this process."""
    from bakehouse.config.load import load_project
    from bakehouse.model.lock import Lock
    from bakehouse.planning.planner import make_plan, published_supplies
    from bakehouse.planning.resolve import resolve

    began = time.perf_counter()
    project = load_project(root)
    found = resolve(project.world)
    planned = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    supplies = published_supplies(project.world, Lock())
    made = make_plan(root=root, world=project.world, cells=found.cells, excluded=found.excluded, supplies=supplies)
    return {
        "cells": len(made.cells),
        "plan": planned - began,
        "render": time.perf_counter() - planned,
        "plan MB": memory,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    medians: list[dict[str, float]] = []
    for cells in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            write_matrix(Path(folder), cells)
            command = [sys.executable, __file__, folder]
            rows = [json.loads(subprocess.check_output(command)) for _ in range(RUNS)]
        medians.append({key: statistics.median(row[key] for row in rows) for key in rows[0]})
        print(", ".join(f"{key} {value:.3g}" for key, value in medians[-1].items()))
    for key in ("plan", "render"):
        print(
            f"{key}: {medians[1][key] / medians[0][key]:.1f} times the time for {SIZES[1] // SIZES[0]} times the cells"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(Path(sys.argv[1]))))
    else:
        main()
