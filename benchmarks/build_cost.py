"""What a cold build costs: CPU seconds of the build containers for 1, 2 and 4 cells, and for as many plain Dockerfiles.

    python benchmarks/build_cost.py

Scenarios, in this order. Each engine is made for the purpose: no layers, no compiler cache, no packages; the base and
the source tree come from our cache and cost neither side anything. Needs root.

- `cells`: the four cells of CELLS, one added after the other in one engine, so that one run tells what 1, 2 and 4 cost.
  Then, in the same engine, the changes of `rebuild_cost.py`.
- `plain`: four Dockerfiles as people write them, each with everything in one stage: the same programs, CPU variants and
  plugins, no ccache. Each has an engine of its own, so they share nothing, and what n of them cost is a sum. Ours have
  the web page and theirs do not, which favours theirs.
- `together`, only when asked for: the four cells in one bake, as a check of the sums of `cells`.

Target: four cells cost at most half of four plain Dockerfiles. A run that is cut off keeps what it knew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from account import Account, Costs, RunState, cpu_of, fresh_engine, wall_of
from harness import (
    Comparison,
    ImageBuilder,
    Record,
    arguments,
    build_on_our_base,
    our_context,
    prepare,
    workspace,
)
from rebuild_cost import compare_changes, make_changes

from bakehouse.engine.connection import Engine
from bakehouse.model.cell import Cell
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import FlagSet
from bakehouse.pipeline.context import Context
from bakehouse.planning.plugins import plugin_targets
from bakehouse.system import signals

T = TypeVar("T")
LIMIT = 0.5
"""Four of ours over four plain ones."""
SECOND_CELL = 1.2
"""Two of ours over one of ours."""
COUNTS = (1, 2, 4)

CELLS = (("cpu", "default"), ("cpu", "blas"), ("cpu", "rpc"), ("vulkan", "default"))
"""Accelerator and flag set. Each compiles something that no other does: plain Dockerfiles of two cells that differ in a
package only (`media`) would have a compile in common, which BuildKit would find by itself.
"""
MORE = {
    "rpc": FlagSet(
        summary="a backend on another machine",
        accelerators=(AcceleratorName.CPU,),
        plugins=("ggml-rpc",),
        cmake={"GGML_RPC": "ON"},
    )
}
"""Flag sets that the matrix does not have."""

PLAIN = """\
FROM {base} AS builder
RUN apt-get update && apt-get install -y --no-install-recommends {packages}
WORKDIR /build
COPY . .
RUN cmake -B build -G Ninja {options} && cmake --build build --target {targets} -j$(nproc)

FROM {runtime_base}
RUN apt-get update && apt-get install -y --no-install-recommends {runtime_packages} && rm -rf /var/lib/apt/lists/*
COPY --from=builder /build/build/bin/ /app/
ENTRYPOINT ["/app/llama-server"]
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kitchen:
    """A fresh engine with our bake files for it."""

    context: Context
    engine: Engine
    account: Account
    folder: Path
    builder: ImageBuilder

    @property
    def cells(self) -> tuple[Cell, ...]:
        """In the order of CELLS."""
        return tuple(find(self.builder.cells, accelerator, flag_set) for accelerator, flag_set in CELLS)


def find(cells: Sequence[Cell], accelerator: str, flag_set: str) -> Cell:
    compiled = (cell for cell in cells if cell.recipe.cmake)
    return next(cell for cell in compiled if (cell.at.accelerator, cell.at.flag_set) == (accelerator, flag_set))


def label(accelerator: str, flag_set: str) -> str:
    return accelerator if flag_set == "default" else f"{accelerator}-{flag_set}"


LABELS = tuple(label(*one) for one in CELLS)
OURS = tuple(f"ours, {name} added" for name in LABELS)
THEIRS = tuple(f"plain, {name}" for name in LABELS)
TOGETHER = "ours, all in one bake"


def cells(context: Context, state: RunState, *, keep: bool) -> None:
    def add(kitchen: Kitchen) -> None:
        for name, cell in zip(OURS, kitchen.cells, strict=True):
            charge(kitchen, state, name, partial(kitchen.builder.bake, cell.target))
            state.weigh(name, kitchen.engine, cell.image)
        make_changes(context, state, kitchen.engine, kitchen.account, kitchen.folder, vulkan=True)

    in_fresh_engine(context, add, keep=keep)


def together(context: Context, state: RunState, *, keep: bool) -> None:
    def bake(kitchen: Kitchen) -> None:
        targets = [cell.target for cell in kitchen.cells]
        charge(kitchen, state, TOGETHER, partial(kitchen.builder.bake, *targets))

    in_fresh_engine(context, bake, keep=keep)


def plain(context: Context, state: RunState, *, keep: bool) -> None:
    """One after the other, so that neither slows the other down."""
    for index in range(len(CELLS)):
        in_fresh_engine(context, partial(build_plain, state=state, index=index), keep=keep)


def build_plain(kitchen: Kitchen, *, state: RunState, index: int) -> None:
    cell, builder = kitchen.cells[index], kitchen.builder
    source = builder.supplies.sources[cell.recipe.compiled.source].context
    name, text = f"plain-{LABELS[index]}", plain_dockerfile(cell)
    build = partial(build_on_our_base, builder, kitchen.folder, name=name, dockerfile=text, context=source)
    image = charge(kitchen, state, THEIRS[index], build)
    state.weigh(THEIRS[index], kitchen.engine, image)


def in_fresh_engine(context: Context, work: Callable[[Kitchen], None], *, keep: bool) -> None:
    """The base is made by the first build. It is a copy without any container: it costs nothing that is counted."""
    with workspace(context, keep=keep) as folder, fresh_engine(context, folder) as (engine, account):
        accelerators = {accelerator for accelerator, _ in CELLS}
        builder = prepare(context, engine, folder / "bake", accelerators=accelerators, more=MORE)
        work(Kitchen(context=context, engine=engine, account=account, folder=folder, builder=builder))


def charge(kitchen: Kitchen, state: RunState, name: str, build: Callable[[], T]) -> T:
    return state.charge(name, kitchen.account, build, context=kitchen.context)


def plain_dockerfile(cell: Cell) -> str:
    """The same programs, CPU variants and plugins as our cell, in one stage."""
    recipe, flags, backend = cell.recipe, cell.flag_set, cell.backend
    cmake = recipe.compiled.cmake | recipe.compiled.host_cmake
    cmake |= {"GGML_CPU": "ON", "GGML_CPU_ALL_VARIANTS": "ON", "GGML_CCACHE": "OFF"}
    cmake |= flags.cmake | (backend.cmake if backend else {})
    packages = [name for name in recipe.compiled.packages if name != "ccache"]
    packages += [*flags.build_packages, *(backend.build_packages if backend else ())]
    runtime = [*recipe.runtime.packages, *flags.runtime_packages, *(backend.runtime_packages if backend else ())]
    return PLAIN.format(
        base=cell.build_base,
        runtime_base=cell.runtime_base,
        packages=" ".join(packages),
        runtime_packages=" ".join(runtime),
        options=" ".join(f"-D{name}='{value}'" for name, value in cmake.items()),
        targets=" ".join([*recipe.compiled.host_targets, *plugin_targets(cell)]),
    )


SCENARIOS: dict[str, Callable[..., None]] = {"cells": cells, "plain": plain, "together": together}
USUAL = ("cells", "plain")


def main() -> None:
    parser = arguments(__doc__, runs=1)
    parser.add_argument("--scenario", choices=SCENARIOS, action="append", help="only this one; can be given twice")
    asked = parser.parse_args()
    context = our_context()
    record = Record(name="build_cost")
    state = RunState(record, asked.json, compare=compare)
    with signals.interrupts():
        for _ in range(asked.runs):
            for name in asked.scenario or USUAL:
                record.look(f"before {name}")
                SCENARIOS[name](context, state, keep=asked.keep)
    record.show()


def compare(costs: Costs) -> list[Comparison]:
    """The ratios for which both sides are known."""
    found = []
    for count in COUNTS:
        what, ours, theirs = f"cells: {count}, against as many plain Dockerfiles", OURS[:count], THEIRS[:count]
        limit = LIMIT if count == len(CELLS) else None
        found.append(ratio(what, cpu_of(costs, ours), cpu_of(costs, theirs), limit=limit))
        found.append(ratio(what, wall_of(costs, ours), wall_of(costs, theirs), limit=None, unit="s"))
    one, two, four = (cpu_of(costs, OURS[:count]) for count in COUNTS)
    at_once = cpu_of(costs, [TOGETHER])
    found += [
        ratio("cells: 2, against 1", two, one, limit=SECOND_CELL),
        ratio("cells: 4, against 1", four, one, limit=None),
        ratio("cells: 4 in one bake, against 4 plain Dockerfiles", at_once, cpu_of(costs, THEIRS), limit=LIMIT),
        ratio("cells: 4 in one bake, against one after the other", at_once, four, limit=None),
    ]
    return [one for one in found if one] + compare_changes(costs, cold=OURS[0], cold_vulkan=(OURS[0], OURS[3]))


def ratio(
    what: str, ours: list[float], theirs: list[float], *, limit: float | None, unit: str = "CPU s"
) -> Comparison | None:
    return Comparison(what=what, ours=ours, theirs=theirs, unit=unit, limit=limit) if ours and theirs else None


if __name__ == "__main__":
    main()
