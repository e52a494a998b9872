"""How planning grows: a generated matrix of 1,000 and of 10,000 cells, each in a process of its own.

    python benchmarks/plan_scale.py

`plan` is what `bakehouse plan` does (read, resolve, decide); `render` adds every Dockerfile and the bake file.
Prints medians of several runs, the ratio between the two sizes, and the peak memory. Targets: at most 12 times the
time for 10 times the cells, under 300 MB.
"""

from __future__ import annotations

import argparse
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
FLAG_SETS = 100
PLATFORMS = ("linux/amd64", "linux/arm64")
ROOT = Path(__file__).parents[1]


def write_matrix(root: Path, cells: int) -> None:
    """`cells` combinations: recipes x flag sets x 2 platforms."""
    import yaml

    from bakehouse.config.yaml_document import parse

    matrix: dict[str, Any] = parse((ROOT / "matrix.yaml").read_text(encoding="utf-8"), file="matrix.yaml").value
    recipe: dict[str, Any] = parse(
        (ROOT / "recipes/llama-server/recipe.yaml").read_text(encoding="utf-8"), file="recipe.yaml"
    ).value
    recipe["build"]["cpu_variants"] = [{"platform": platform, "variants": ["x"]} for platform in PLATFORMS]
    text = yaml.safe_dump(recipe, sort_keys=False)
    recipes = max(1, cells // FLAG_SETS // len(PLATFORMS))
    for index in range(recipes):
        folder = root / "recipes" / f"server-{index}"
        folder.mkdir(parents=True)
        (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    row = {"summary": "x", "accelerators": ["cpu"]}
    matrix["flag_sets"] = {f"set-{index}": row | {"cmake": {"OPTION": str(index)}} for index in range(FLAG_SETS)}
    matrix["axes"] = {"accelerator": ["cpu"], "flag_set": list(matrix["flag_sets"]), "platform": list(PLATFORMS)}
    matrix["exclude"] = []
    (root / "matrix.yaml").write_text(yaml.safe_dump(matrix, sort_keys=False), encoding="utf-8")
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
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS, help=f"repetitions of each measurement (default: {RUNS})")
    parser.add_argument("--cells", type=int, nargs="+", default=SIZES, help="sizes, in hundreds, smallest first")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        print(json.dumps(measure(given.read)))
        return
    medians: list[dict[str, float]] = []
    for cells in given.cells:
        with tempfile.TemporaryDirectory() as folder:
            write_matrix(Path(folder), cells)
            command = [sys.executable, __file__, "--read", folder]
            rows = [json.loads(subprocess.check_output(command)) for _ in range(given.runs)]
        medians.append({key: statistics.median(row[key] for row in rows) for key in rows[0]})
        print(", ".join(f"{key} {value:.3g}" for key, value in medians[-1].items()))
    first, last = medians[0], medians[-1]
    for key in ("plan", "render"):
        print(
            f"{key}: {last[key] / first[key]:.1f} times the time for {last['cells'] / first['cells']:g} times the cells"
        )


if __name__ == "__main__":
    main()
