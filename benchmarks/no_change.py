"""A build in which nothing changed: our bake step against plain `docker buildx bake` of the same file.

    python benchmarks/no_change.py

For the project's own cells and for 50 cells that differ in a trivial step; then the whole command for the project's
cells (`build-matrix --no-tests`, which also gathers, proves and reports). All on the engine that `docker` reaches, or
on the embedded one. Pairs alternate. Target: at most 1.3 times the time of plain buildx for the bake step.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import (
    Comparison,
    ImageBuilder,
    Record,
    alternate,
    arguments,
    lease,
    our_context,
    our_engine,
    prepare,
    remove_images,
    say,
    seconds,
    workspace,
)

from bakehouse.bake.display import PlainDisplay
from bakehouse.bake.executor import ImageBuilder as Baker
from bakehouse.model.enums import Verdict
from bakehouse.pipeline.context import Context
from bakehouse.system import process
from project import change_matrix, copy_project

LIMIT = 1.3
MANY = 50
RECIPE = "no-change"

TRIVIAL = """\
FROM {{ cell.build_base }} AS toolchain
RUN true

FROM toolchain AS host
RUN mkdir /out && echo host > /out/host

FROM toolchain AS plugins
RUN mkdir /out && echo {{ flag_set.cmake.OPTION }} > /out/plugin

FROM {{ cell.runtime_base }} AS runtime
RUN true

FROM runtime AS image
COPY --link --from=host /out/ /app/
COPY --link --from=plugins /out/ /app/
{% for name, value in labels | dictsort %}
LABEL {{ name }}={{ value | docker }}
{% endfor %}
"""


def many_cells(to: Path) -> Path:
    """A project of `MANY` cells: our recipe with a template that compiles nothing, and as many flag sets."""
    copy_project(to)
    (to / "recipes/llama-server").rename(to / "recipes" / RECIPE)
    recipe = to / "recipes" / RECIPE / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("llama-server.Dockerfile.j2", "trivial.Dockerfile.j2"))
    (to / "dockerfiles/trivial.Dockerfile.j2").write_text(TRIVIAL)

    def change(matrix: dict[str, Any]) -> None:
        matrix["flag_sets"] = {
            f"set-{index}": {"summary": "x", "accelerators": ["cpu"], "cmake": {"OPTION": str(index)}}
            for index in range(MANY)
        }
        matrix["axes"] = {"accelerator": ["cpu"], "flag_set": list(matrix["flag_sets"]), "platform": ["linux/amd64"]}
        matrix["exclude"] = []

    return change_matrix(to, change)


def our_bake(builder: ImageBuilder, folder: Path) -> None:
    """What `build-matrix` does in its bake step, with the display that a log gets."""
    with PlainDisplay(builder.cells, lambda _: None) as watcher:
        baker = Baker(
            engine=builder.engine, root=builder.root, folder=builder.folder, logs=folder / "logs", watcher=watcher
        )
        built = baker.bake(builder.cells)
    failed = [f"{name}: {one.reason}" for name, one in built.items() if one.verdict is not Verdict.PASSED]
    if failed:
        raise RuntimeError("; ".join(failed))


def whole_command(context: Context, builder: ImageBuilder) -> None:
    names = [word for cell in builder.cells for word in ("--only", cell.name)]
    process.run(
        [
            sys.executable,
            "-m",
            "bakehouse",
            "--root",
            str(context.root),
            "build-matrix",
            "--no-tests",
            "--fresh",
            *names,
        ],
        env=builder.engine.environment() | {"BAKEHOUSE_CACHE": str(context.cache)},
    )


def compare_bakes(record: Record, context: Context, builder: ImageBuilder, folder: Path, *, runs: int) -> None:
    targets = [cell.target for cell in builder.cells]
    say(f"{len(targets)} targets: one build so that nothing is new")
    builder.bake(*targets)
    our_bake(builder, folder)
    with lease(context, alone=True):
        record.look(f"before {len(targets)} targets")
        found = alternate(
            runs,
            plain=lambda: seconds(lambda: builder.bake(*targets)),
            ours=lambda: seconds(lambda: our_bake(builder, folder)),
        )
    record.add(
        Comparison(
            what=f"bake step, {len(targets)} targets", ours=found["ours"], theirs=found["plain"], unit="s", limit=LIMIT
        )
    )


def compare_command(record: Record, context: Context, builder: ImageBuilder, *, runs: int) -> None:
    targets = [cell.target for cell in builder.cells]
    whole_command(context, builder)
    record.look("before the whole command")
    found = alternate(
        runs,
        plain=lambda: seconds(lambda: builder.bake(*targets)),
        ours=lambda: seconds(lambda: whole_command(context, builder)),
    )
    record.add(
        Comparison(
            what=f"whole command, {len(targets)} cells",
            ours=found["ours"],
            theirs=found["plain"],
            unit="s",
            limit=LIMIT,
            note="the command also starts Python, asks for supplies, proves every image at rest and writes the report",
        )
    )


def main() -> None:
    asked = arguments(__doc__, runs=5).parse_args()
    record = Record(name="no_change")
    here = our_context()
    with our_engine(here) as engine, workspace(here, keep=asked.keep) as folder:
        own = replace(here, root=copy_project(folder / "own"))
        two = prepare(own, engine, folder / "own-bake")
        compare_bakes(record, own, two, folder, runs=asked.runs)
        compare_command(record, own, two, runs=asked.runs)
        generated = prepare(replace(here, root=many_cells(folder / "many")), engine, folder / "many-bake")
        try:
            compare_bakes(record, here, generated, folder, runs=asked.runs)
        finally:
            if not asked.keep:
                remove_images(engine, *(cell.image for cell in generated.cells))
    record.show()
    record.write(asked.json)


if __name__ == "__main__":
    main()
