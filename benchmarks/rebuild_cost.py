"""What a change costs: CPU seconds of rebuilding after one, against the cold build of the same cell.

    python benchmarks/rebuild_cost.py

In one engine of its own, which has never built anything: the CPU cell and the BLAS cell cold; then the BLAS cell after
its flag set got another option, and the CPU cell after a patch to one source file of llama.cpp. The patch changes what
every compile step sees, so that all of them run again, through ccache. Needs root. `build_cost.py` makes the same
changes after its four cells, and patches its Vulkan cell as well, whose shaders ccache does not keep.
Target: after each change at most a tenth of the cold build.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from account import Account, Costs, RunState, cpu_of, fresh_engine, wall_of
from harness import Comparison, ImageBuilder, Record, arguments, our_context, prepare, workspace

from bakehouse.engine.connection import Engine
from bakehouse.pipeline.context import Context
from bakehouse.system import signals
from project import change_matrix, copy_project

LIMIT = 0.1
PATCHED = "src/llama-sampler.cpp"
FLAG_SET = "blas"
SOURCE = "llama-cpp"

COLD = "cold, cpu"
FLAGS = "another option of a flag set, cpu-blas"
PATCH = "a patch to one source file, cpu"
PATCH_VULKAN = "the same patch, vulkan added"


def main() -> None:
    asked = arguments(__doc__, runs=1).parse_args()
    context = our_context()
    record = Record(name="rebuild_cost")
    state = RunState(record, asked.json, compare=lambda costs: compare_changes(costs, cold=COLD))
    with signals.interrupts():
        for _ in range(asked.runs):
            record.look("before")
            with workspace(context, keep=asked.keep) as folder, fresh_engine(context, folder) as (engine, account):
                builder = prepare(context, engine, folder / "bake")
                for name, flag_set in ((COLD, "default"), ("one more flag set, cpu-blas", FLAG_SET)):
                    state.charge(name, account, partial(bake, builder, "cpu", flag_set), context=context)
                make_changes(context, state, engine, account, folder, vulkan=False)
    record.show()


def make_changes(
    context: Context, state: RunState, engine: Engine, account: Account, folder: Path, *, vulkan: bool
) -> None:
    """Make each change in a copy of the project, and build what it touches. The engine has built the project before."""
    other = change_flag_set(copy_project(folder / "flag-set"))
    changed = builder_of(other, context, engine)
    state.charge(FLAGS, account, partial(bake, changed, "cpu", FLAG_SET), context=context)
    patched = patch_source(copy_project(folder / "patched"), tree=Path(changed.supplies.sources[SOURCE].context))
    builder = builder_of(patched, context, engine, vulkan=vulkan)
    state.charge(PATCH, account, partial(bake, builder, "cpu", "default"), context=context)
    if vulkan:
        state.charge(PATCH_VULKAN, account, partial(bake, builder, "vulkan", "default"), context=context)


def builder_of(project: Path, context: Context, engine: Engine, *, vulkan: bool = False) -> ImageBuilder:
    accelerators = ("cpu", "vulkan") if vulkan else ("cpu",)
    return prepare(replace(context, root=project), engine, project / "bake", accelerators=accelerators)


def bake(builder: ImageBuilder, accelerator: str, flag_set: str) -> None:
    cells = [cell for cell in builder.cells if (cell.at.accelerator, cell.at.flag_set) == (accelerator, flag_set)]
    builder.bake(*(cell.target for cell in cells))


def change_flag_set(project: Path) -> Path:
    """An option that really changes what is compiled: the backend's optimisation level."""

    def change(matrix: dict[str, Any]) -> None:
        matrix["flag_sets"][FLAG_SET]["cmake"]["CMAKE_CXX_FLAGS_RELEASE"] = "-O2 -DNDEBUG"

    return change_matrix(project, change)


def patch_source(project: Path, *, tree: Path) -> Path:
    """A copy of the pinned tree with one more function in one of its files becomes the only place of the source."""
    copy = project / "tree"
    shutil.copytree(tree, copy, symlinks=True)
    with (copy / PATCHED).open("a", encoding="utf-8") as file:
        file.write("\nint llama_sampler_patched_by_a_benchmark() { return 1; }\n")

    def change(matrix: dict[str, Any]) -> None:
        matrix["sources"][SOURCE]["places"] = [{"path": str(copy)}]

    return change_matrix(project, change)


def compare_changes(costs: Costs, *, cold: str, cold_vulkan: Sequence[str] = ()) -> list[Comparison]:
    """The ratios for which both sides are known. A cell's cold cost is that of all builds that led to it."""
    pairs = [
        (FLAGS, [FLAGS], [cold]),
        (PATCH, [PATCH], [cold]),
        ("a patch to one source file, vulkan", [PATCH, PATCH_VULKAN], list(cold_vulkan)),
    ]
    found = []
    for what, after, before in pairs:
        for unit, of, limit in (("CPU s", cpu_of, LIMIT), ("s", wall_of, None)):
            if (ours := of(costs, after)) and (theirs := of(costs, before)):
                what_else = f"{what}, against a cold build"
                found.append(Comparison(what=what_else, ours=ours, theirs=theirs, unit=unit, limit=limit))
    return found


if __name__ == "__main__":
    main()
