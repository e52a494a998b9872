"""What a change costs: CPU seconds of rebuilding after one, against the cold build of the same cell.

    python benchmarks/rebuild_cost.py

In one engine of its own, which has never built anything: the CPU cell cold; then the BLAS cell beside it, then the
BLAS cell after its flag set got another option; then the CPU cell after a patch to one source file of llama.cpp, which
changes what every compile step sees, so that all of them run again through ccache. Needs root.
Target: after each change at most a tenth of the cold build.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml
from build_cost import Account, Cost, fresh_engine
from harness import ROOT, Comparison, Oven, Record, arguments, lease, our_context, prepare, say, seconds, workspace

from bakehouse.commands.context import Context
from bakehouse.engine.connection import Engine

LIMIT = 0.1
FILES = ("matrix.yaml", "bakehouse.lock")
FOLDERS = ("recipes", "dockerfiles", "buildkit")
PATCHED = "src/llama-sampler.cpp"
FLAG_SET = "blas"
PLATFORM = "linux/amd64"
SOURCE = "llama-cpp"


def main() -> None:
    asked = arguments(__doc__, runs=1).parse_args()
    context = our_context()
    record = Record(name="rebuild_cost")
    costs: dict[str, list[Cost]] = {}
    for _ in range(asked.runs):
        record.look("before")
        with workspace(context, keep=asked.keep) as folder, fresh_engine(context, folder) as (engine, account):
            for name, cost in measure(context, engine, account, folder):
                costs.setdefault(name, []).append(cost)
                say(f"{name}: {cost.cpu:.1f} s of CPU, {cost.wall:.0f} s on the clock")
                record.details = {
                    key: [{"cpu": one.cpu, "wall": one.wall} for one in known] for key, known in costs.items()
                }
                record.comparisons = [
                    Comparison(
                        what=f"{key}, against a cold build",
                        ours=[one.cpu for one in known],
                        theirs=[one.cpu for one in costs["cold"]],
                        unit="CPU s",
                        limit=LIMIT,
                    )
                    for key, known in costs.items()
                    if key != "cold"
                ]
                record.write(asked.json)
    record.show()


def measure(context: Context, engine: Engine, account: Account, folder: Path) -> Iterator[tuple[str, Cost]]:
    """Each step and its cost, in an order in which each is the only thing that changed."""
    cold = copy_project(folder / "cold")
    yield "cold", build(cold, "default", context, engine, account)
    yield "one more flag set", build(cold, FLAG_SET, context, engine, account)
    other = copy_project(folder / "flag-set")
    change_flag_set(other)
    yield "another option of a flag set", build(other, FLAG_SET, context, engine, account)
    patched = copy_project(folder / "patched")
    patch_source(patched, tree=Path(oven_of(cold, context, engine).supplies.sources[SOURCE].context))
    yield "a patch to one source file", build(patched, "default", context, engine, account)


def oven_of(project: Path, context: Context, engine: Engine) -> Oven:
    return prepare(replace(context, root=project), engine, project / "bake")


def build(project: Path, flag_set: str, context: Context, engine: Engine, account: Account) -> Cost:
    oven = oven_of(project, context, engine)
    cell = next(cell for cell in oven.cells if cell.at.flag_set == flag_set and cell.at.platform == PLATFORM)
    before = account.read()
    with lease(context, alone=False):
        wall = seconds(lambda: oven.bake(cell.target))
    return Cost(cpu=account.read() - before, wall=wall)


def copy_project(to: Path) -> Path:
    to.mkdir()
    for name in FILES:
        shutil.copy2(ROOT / name, to / name)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, to / name)
    return to


def change_flag_set(project: Path) -> None:
    """An option that really changes what is compiled: the backend's optimisation level."""
    file = project / "matrix.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["flag_sets"][FLAG_SET]["cmake"]["CMAKE_CXX_FLAGS_RELEASE"] = "-O2 -DNDEBUG"
    write_matrix(file, document)


def patch_source(project: Path, *, tree: Path) -> None:
    """A copy of the pinned tree with one more function in one of its files becomes the only place of the source."""
    copy = project / "tree"
    shutil.copytree(tree, copy, symlinks=True)
    with (copy / PATCHED).open("a", encoding="utf-8") as file:
        file.write("\nint llama_sampler_patched_by_a_benchmark() { return 1; }\n")
    matrix = project / "matrix.yaml"
    document = yaml.safe_load(matrix.read_text(encoding="utf-8"))
    document["sources"][SOURCE]["places"] = [{"path": str(copy)}]
    write_matrix(matrix, document)


def write_matrix(file: Path, document: object) -> None:
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    main()
