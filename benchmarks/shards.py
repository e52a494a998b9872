"""How evenly cells are divided among machines that build side by side: ours, and 10,000 that are made up.

    python benchmarks/shards.py

The made-up ones share stages as ours do: one host part, an environment for each toolkit, a backend for each cell, whose
seconds are spread over two orders of magnitude. Prints for each number of machines the longest shard over the mean,
and what all machines compute over what one would. Target: the longest at most 1.2 times the mean.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness import ROOT, say

from bakehouse.config.lock_file import read_lock
from bakehouse.model.cell import Cell
from bakehouse.pipeline.project import open_project
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.planning.shards import divide, imbalance
from bakehouse.planning.stage_costs import Measured, costs
from bakehouse.planning.stage_graph import CellWork, Stage, works_of

TOOLKITS, SEED = 20, 14
HOST, ENVIRONMENT, LEAST, MOST = 600.0, 90.0, 20.0, 2000.0
"""Seconds."""
HOUR = 3600.0
MACHINES = (8, 50, 256)


def made_up(cells: int, like: Cell) -> tuple[list[CellWork], dict[str, float]]:
    """Works, and the seconds of their stages. The same numbers each time."""
    chance = random.Random(SEED)
    seconds = {"host": HOST} | {f"toolkit-{number}": ENVIRONMENT for number in range(TOOLKITS)}
    works = []
    for number in range(cells):
        own = f"backend-{number}"
        seconds[own] = LEAST * (MOST / LEAST) ** chance.random()
        names = ("host", f"toolkit-{number % TOOLKITS}", own)
        stages = tuple(Stage(name=name, identity=name, runs=1, compiles=1) for name in names)
        works.append(CellWork(cell=replace(like, at=replace(like.at, recipe=f"server-{number}")), stages=stages))
    return works, seconds


def ours() -> tuple[Sequence[CellWork], Mapping[str, float]]:
    project, resolution = open_project(ROOT)
    supplies = published_supplies(project.world, read_lock(ROOT))
    plan = make_plan(root=ROOT, world=project.world, cells=resolution.cells, excluded=(), supplies=supplies)
    works = works_of(plan)
    return works, costs(works, Measured())


def show(name: str, works: Sequence[CellWork], seconds: Mapping[str, float], machines: Sequence[int]) -> None:
    alone = sum(seconds.values())
    for count in machines:
        began = time.perf_counter()
        shards = divide(works, seconds, at_most=count)
        took = time.perf_counter() - began
        longest, total = max(shard.seconds for shard in shards), sum(shard.seconds for shard in shards)
        say(
            f"{name}, at most {count} machines: {len(shards)} shards, longest {longest / HOUR:.2f} h, "
            f"{imbalance(shards):.3f} of the mean; all together {total / alone:.2f} of one machine's "
            f"{alone / HOUR:.1f} h; divided in {took:.2f} s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cells", type=int, default=10_000)
    given = parser.parse_args()
    works, seconds = ours()
    show(f"our {len(works)} cells", works, seconds, (4, 8, 16))
    show(f"{given.cells:,} cells", *made_up(given.cells, works[0].cell), MACHINES)


if __name__ == "__main__":
    main()
