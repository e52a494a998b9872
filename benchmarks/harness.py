"""What the benchmarks share: the machine in words, pairs that alternate, tables, and our project on an engine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bakehouse.bake.executor import BAKE_FILE, write_bake_files
from bakehouse.config.lock_file import read_lock
from bakehouse.engine.connection import Engine
from bakehouse.engine.network import network_secrets
from bakehouse.errors import InfrastructureError
from bakehouse.measure.cpu_usage import machine_seconds, usable_cores
from bakehouse.measure.lease import hold
from bakehouse.model.cell import Cell, World
from bakehouse.model.matrix import FlagSet
from bakehouse.model.plan import Supplies
from bakehouse.pipeline.context import Context, default_cache
from bakehouse.pipeline.engine import open_engine
from bakehouse.pipeline.project import open_project
from bakehouse.planning.planner import make_plan
from bakehouse.planning.resolve import resolve
from bakehouse.supply.chain import Gathered, gather
from bakehouse.system import process

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:  # `python benchmarks/X.py` has only the folder of X there
    sys.path.append(str(ROOT))
FAIR_LOAD = 0.10
"""Share of the machine that others may use before we say that they do."""
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""What the kernel calls a machine, and OCI a platform."""
PATIENCE = 3600.0
"""Seconds that we wait for measurements and builds of other runs to end."""
LOOK = 3.0
"""Seconds over which we look at what others use."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One ratio, measured in one run. The unit is that of the two medians."""

    what: str
    ours: list[float]
    theirs: list[float]
    unit: str
    limit: float | None
    """What the ratio is held against; None: it is only told."""
    higher_is_better: bool = False
    note: str = ""

    @property
    def ratio(self) -> float:
        """Ours over theirs, of the medians."""
        return statistics.median(self.ours) / statistics.median(self.theirs)

    @property
    def met(self) -> bool | None:
        if self.limit is None:
            return None
        return self.ratio >= self.limit if self.higher_is_better else self.ratio <= self.limit

    @property
    def target(self) -> str:
        if self.limit is None:
            return ""
        return f"at {'least' if self.higher_is_better else 'most'} {self.limit:g}"


@dataclass(kw_only=True, slots=True)
class Record:
    """What a benchmark found, for people and for programs."""

    name: str
    comparisons: list[Comparison] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    load: list[str] = field(default_factory=list)
    """What others used of the machine, each time that we looked."""
    began: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M UTC}")

    def look(self, moment: str) -> None:
        """Note, and say, how busy the machine is without us."""
        used = foreign_load()
        warning = "" if used <= FAIR_LOAD else " - not quiet: these figures are disturbed"
        self.load.append(f"{moment}: {used:.0%} of the machine used by others, load {os.getloadavg()[0]:.1f}{warning}")
        say(self.load[-1])

    def add(self, found: Comparison) -> None:
        """Keep it, and say it at once: a run that is cut off later has told what it knew."""
        self.comparisons.append(found)
        say(f"{found.what}: {in_words(found.ours)} against {in_words(found.theirs)} {found.unit}: {found.ratio:.3f}")

    def show(self) -> None:
        table = Table(title=f"{self.name} ({self.began})", title_justify="left")
        for heading, justify in (
            ("", "left"),
            ("ours", "right"),
            ("compared with", "right"),
            ("ratio", "right"),
            ("target", "left"),
            ("", "left"),
        ):
            table.add_column(heading, justify=justify)  # type: ignore[arg-type]
        for one in self.comparisons:
            ours, theirs = (f"{in_words(values)} {one.unit}" for values in (one.ours, one.theirs))
            verdict = {True: "met", False: "missed", None: ""}[one.met]
            table.add_row(one.what, ours, theirs, f"{one.ratio:.3f}", one.target, verdict)
        Console(width=160).print(table)
        for one in self.comparisons:
            if one.note:
                say(f"{one.what}: {one.note}")

    def write(self, path: Path | None) -> None:
        if path is None:
            return
        comparisons = [
            asdict(one) | {"ratio": one.ratio, "target": one.target, "met": one.met} for one in self.comparisons
        ]
        document = {
            "name": self.name,
            "began": self.began,
            "machine": machine(),
            "load": self.load,
            "comparisons": comparisons,
            "details": self.details,
        }
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def arguments(description: str | None, *, runs: int) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=runs, help=f"repetitions of each measurement (default: {runs})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured there")
    parser.add_argument("--keep", action="store_true", help="leave images and folders, to look at them")
    return parser


def say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S}  {text}", flush=True)


def machine() -> dict[str, str]:
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = next(
        (line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cpu": model, "cores": str(usable_cores()), "memory": f"{memory:.0f} GiB", "kernel": platform.release()}


def foreign_load(seconds: float = LOOK) -> float:
    """Share of the machine, 0 to 1, that is used while we sleep."""
    before, began = machine_seconds(), time.perf_counter()
    time.sleep(seconds)
    return (machine_seconds() - before) / ((time.perf_counter() - began) * usable_cores())


def in_words(values: Sequence[float]) -> str:
    """Median, and in brackets lowest and highest."""
    spread = f" ({min(values):.4g} to {max(values):.4g}, n={len(values)})" if len(values) > 1 else ""
    return f"{statistics.median(values):.4g}{spread}"


def alternate(runs: int, **measured: Callable[[], float]) -> dict[str, list[float]]:
    """Measure in turn, ABAB: what drifts on the machine meets all of them alike."""
    found: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(runs):
        for name, measure in measured.items():
            found[name].append(measure())
    return found


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def workspace(context: Context, *, keep: bool = False) -> Iterator[Path]:
    """A folder on the disk of the cache, where images fit; gone afterwards."""
    scratch = context.cache / "benchmarks"
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="benchmark-", dir=scratch))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def lease(context: Context, *, alone: bool) -> Iterator[None]:
    """Hold the processor as runs do: `alone` to measure time, shared to build while nobody measures."""
    folder = context.cache / "leases"
    with hold("cpu", folder=folder, run="benchmark", exclusive=alone, timeout=PATIENCE, say=say):
        yield


def our_context(root: Path = ROOT) -> Context:
    return Context(root=root, cache=default_cache(os.environ), environ=os.environ, console=Console(stderr=True))


@contextmanager
def our_engine(context: Context) -> Iterator[Engine]:
    with open_engine(context, install=False) as engine:
        yield engine


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageBuilder:
    """Rendered files of a selection of cells, ready for `docker buildx bake`."""

    engine: Engine
    root: Path
    folder: Path
    cells: tuple[Cell, ...]
    gathered: Gathered
    supplies: Supplies

    @property
    def bake_file(self) -> Path:
        return self.folder / BAKE_FILE

    def bake(self, *targets: str) -> None:
        """Build with plain buildx. Raises with its last lines."""
        bake(self.engine, self.bake_file, *targets, root=self.root)


def prepare(
    context: Context,
    engine: Engine,
    folder: Path,
    *,
    accelerators: Collection[str] = ("cpu",),
    also: tuple[str, ...] = (),
    more: Mapping[str, FlagSet] | None = None,
) -> ImageBuilder:
    """Gather what the project's cells need (from the cache, if it is there) and write their bake file.

    Cells of this machine's platform only. `also` names flag sets that stand on no axis of the matrix; `more` holds
    some that are not in it at all.
    """
    project, _ = open_project(context.root)
    world = _with_flag_sets(project.world, also, more or {})
    own = f"linux/{ARCHITECTURES.get(platform.machine(), platform.machine())}"
    cells = tuple(
        cell
        for cell in resolve(world).cells
        if cell.recipe.cmake and cell.at.accelerator in accelerators and cell.at.platform == own
    )
    gathered = gather(
        world=world,
        cells=cells,
        lock=read_lock(context.root),
        cache=context.cache,
        root=context.root,
        engine=engine,
        environ=context.environ,
        say=say,
    )
    for cell in cells:
        if reason := gathered.reason_against(cell):
            raise InfrastructureError(f"{cell.name}: {reason}")
    supplies = Supplies(
        bases=gathered.bases,
        sources=gathered.sources,
        secrets=network_secrets(context.environ, cache=context.cache),
        recipe_root=str(context.root / "recipes"),
        bake_root=str(folder),
    )
    plan = make_plan(root=context.root, world=world, cells=cells, excluded=(), supplies=supplies)
    write_bake_files(folder, dockerfiles=plan.dockerfiles, bake=plan.bake)
    return ImageBuilder(
        engine=engine, root=context.root, folder=folder, cells=cells, gathered=gathered, supplies=supplies
    )


def _with_flag_sets(world: World, names: tuple[str, ...], more: Mapping[str, FlagSet]) -> World:
    matrix = world.matrix
    wider = matrix.axes.model_copy(update={"flag_set": tuple(dict.fromkeys((*matrix.axes.flag_set, *names, *more)))})
    flag_sets = {**matrix.flag_sets, **more}
    return replace(world, matrix=matrix.model_copy(update={"axes": wider, "flag_sets": flag_sets}))


def build_on_our_base(
    builder: ImageBuilder,
    folder: Path,
    *,
    name: str,
    dockerfile: str,
    context: str,
    target: str = "",
    stages: tuple[str, ...] = (),
) -> str:
    """Build a Dockerfile that may say `FROM` the base of our cells, whatever served it. Returns the image's name.

    `stages` of our own Dockerfile are named contexts of it. It lies in a file: `${...}` in a bake file would be bake's.
    """
    base = builder.cells[0].build_base
    (folder / f"{name}.Dockerfile").write_text(dockerfile, encoding="utf-8")
    image = f"bakehouse-benchmark/{name}"
    described: dict[str, Any] = {
        "context": context,
        "dockerfile": str(folder / f"{name}.Dockerfile"),
        "contexts": {base: builder.supplies.bases[base].context},
        "tags": [image],
        "attest": ["type=provenance,disabled=true"],
        "secret": [f"id={secret.id},src={secret.path}" for secret in builder.supplies.secrets],
    }
    if target:
        described["target"] = target
    bases = {key: value for key, value in _targets(builder).items() if key == f"base-{base}"}
    for stage in stages:
        ours = _targets(builder)[builder.cells[0].target]
        bases[f"our-{stage}"] = ours | {"target": stage, "tags": [], "output": ["type=cacheonly"]}
        described["contexts"][stage] = f"target:our-{stage}"
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"target": bases | {name: described}}), encoding="utf-8")
    bake(builder.engine, file, name, root=folder)
    return image


def _targets(builder: ImageBuilder) -> dict[str, Any]:
    targets: dict[str, Any] = json.loads(builder.bake_file.read_text(encoding="utf-8"))["target"]
    return targets


def bake(engine: Engine, file: Path, *targets: str, root: Path) -> None:
    command = ["docker", "buildx", "bake", "--file", str(file), "--progress", "plain", *targets]
    process.run(command, env=engine.environment(), cwd=root)


def docker(engine: Engine, *words: str, check: bool = True) -> str:
    return process.run(["docker", *words], env=engine.environment(), check=check).stdout


def remove_images(engine: Engine, *references: str) -> None:
    """Remove those that are there."""
    if references:
        docker(engine, "image", "rm", "--force", *references, check=False)
