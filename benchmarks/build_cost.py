"""What a cold build costs: CPU seconds of the build containers, for one cell, for both, and for plain Dockerfiles.

    python benchmarks/build_cost.py

Each scenario has an engine of its own with an empty data root: no layers, no compiler cache, no packages. Base and
source tree come from the cache. Scenarios: `one` CPU cell; `both` cells (default and BLAS) in one bake; `plain`: two
Dockerfiles as people write them, which share no stage, use no ccache, and compile the same programs and CPU variants
in one RUN each. The engine's control group counts, so that other work on the machine does not. Needs root.
Targets: both cost at most 1.2 times one; two plain Dockerfiles cost about twice one of them, which is what we save.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness import (
    ROOT,
    Comparison,
    Oven,
    Record,
    arguments,
    build_on_our_base,
    lease,
    our_context,
    prepare,
    say,
    seconds,
    workspace,
)

from bakehouse.commands.context import Context
from bakehouse.engine.connect import ask, describe
from bakehouse.engine.connection import Engine
from bakehouse.engine.local import EmbeddedEngine
from bakehouse.model.cell import Cell

LIMIT = 1.2
LEAST_SAVING = 1.7
"""Plain over both: what two Dockerfiles without anything shared cost more, at least."""
CGROUPS = Path("/sys/fs/cgroup")

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
class Cost:
    """What a build took."""

    cpu: float
    """Seconds of CPU time, user and system, of the processes in build containers."""
    wall: float


class Account:
    """The CPU time of everything that ran below one control group, ended processes and removed groups included."""

    def __init__(self, parent: str) -> None:
        self._parent = parent

    def read(self) -> float:
        """Seconds; 0 before the first container."""
        for folder in ("cpuacct", "cpu,cpuacct"):  # version 1: a parent's figure includes its children's
            with contextlib.suppress(OSError):
                return int((CGROUPS / folder / self._parent / "cpuacct.usage").read_text()) / 1e9
        with contextlib.suppress(OSError):
            usage = (CGROUPS / self._parent / "cpu.stat").read_text().split()
            return int(usage[usage.index("usage_usec") + 1]) / 1e6
        return 0.0

    def remove(self) -> None:
        """Take the empty groups away, in every hierarchy."""
        for root in (CGROUPS, *CGROUPS.iterdir()):
            group = root / self._parent
            if group.is_dir():
                for folder, _, _ in os.walk(group, topdown=False):
                    with contextlib.suppress(OSError):
                        Path(folder).rmdir()


@contextlib.contextmanager
def fresh_engine(context: Context, folder: Path) -> Iterator[tuple[Engine, Account]]:
    """A private engine that has never built anything, and the account of its build containers."""
    parent = f"bakehouse-benchmark-{secrets.token_hex(4)}"
    settings = json.loads((ROOT / "buildkit/daemon.json").read_text())
    settings |= {"cgroup-parent": f"/{parent}", "exec-opts": ["native.cgroupdriver=cgroupfs"]}
    file = folder / "daemon.json"
    file.write_text(json.dumps(settings))
    account = Account(parent)
    environ = {key: value for key, value in context.environ.items() if key not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    try:
        with EmbeddedEngine(cache=folder, say=say, environ=environ, settings=file) as embedded:
            reached = environ | {"DOCKER_HOST": f"unix://{embedded.socket}"}
            yield describe(reached, version=ask(reached).version or "", kind="embedded"), account
    finally:
        account.remove()


def measure(context: Context, *, build: Callable[[Oven, Path], None], keep: bool) -> Cost:
    """Build in a fresh engine. The base is made first: every scenario needs it, and it costs none of them anything."""
    with workspace(context, keep=keep) as folder, fresh_engine(context, folder) as (engine, account):
        oven = prepare(context, engine, folder / "bake")
        before = account.read()
        with lease(context, alone=False):
            wall = seconds(lambda: build(oven, folder))
        return Cost(cpu=account.read() - before, wall=wall)


def one(oven: Oven, folder: Path) -> None:  # noqa: ARG001 - the shape of a scenario
    oven.bake(_cell(oven, "default").target)


def both(oven: Oven, folder: Path) -> None:  # noqa: ARG001
    oven.bake(*(cell.target for cell in oven.cells))


def plain(oven: Oven, folder: Path) -> None:
    """One after the other, so that neither slows the other down."""
    for cell in oven.cells:
        source = oven.supplies.sources[cell.recipe.build.source].context
        build_on_our_base(
            oven, folder, name=f"plain-{cell.at.flag_set}", dockerfile=plain_dockerfile(cell), context=source
        )


def plain_dockerfile(cell: Cell) -> str:
    """The same programs and CPU variants as our cell, in one stage."""
    recipe, flags = cell.recipe, cell.flag_set
    cmake = recipe.build.cmake | recipe.build.host_cmake
    cmake |= {"GGML_CPU": "ON", "GGML_CPU_ALL_VARIANTS": "ON", "GGML_CCACHE": "OFF"} | flags.cmake
    targets = [*recipe.build.host_targets, *(f"ggml-cpu-{variant}" for variant in cell.cpu_variants), *flags.plugins]
    return PLAIN.format(
        base=cell.build_base,
        runtime_base=cell.runtime_base,
        packages=" ".join([*(name for name in recipe.build.packages if name != "ccache"), *flags.build_packages]),
        runtime_packages=" ".join([*recipe.runtime.packages, *flags.runtime_packages]),
        options=" ".join(f"-D{name}='{value}'" for name, value in cmake.items()),
        targets=" ".join(targets),
    )


def _cell(oven: Oven, flag_set: str) -> Cell:
    return next(cell for cell in oven.cells if cell.at.flag_set == flag_set)


SCENARIOS: dict[str, Callable[[Oven, Path], None]] = {"one": one, "both": both, "plain": plain}


def main() -> None:
    parser = arguments(__doc__, runs=1)
    parser.add_argument("--scenario", choices=SCENARIOS, action="append", help="only this one; can be given twice")
    asked = parser.parse_args()
    context = our_context()
    record = Record(name="build_cost")
    costs: dict[str, list[Cost]] = {name: [] for name in asked.scenario or SCENARIOS}
    for _ in range(asked.runs):
        for name, found in costs.items():
            record.look(f"before {name}")
            found.append(measure(context, build=SCENARIOS[name], keep=asked.keep))
            say(f"{name}: {found[-1].cpu:.0f} s of CPU, {found[-1].wall:.0f} s on the clock")
            # At once: a run of half an hour that is cut off keeps what it knew.
            record.details = {
                key: [{"cpu": cost.cpu, "wall": cost.wall} for cost in known] for key, known in costs.items()
            }
            record.comparisons = compare({key: [cost.cpu for cost in known] for key, known in costs.items() if known})
            record.write(asked.json)
    record.show()


def compare(cpu: dict[str, list[float]]) -> list[Comparison]:
    """The ratios for which both sides are known."""
    wanted = (
        ("both cells in one bake, against one", "one", LIMIT),
        ("both cells in one bake, against two plain Dockerfiles", "plain", 1 / LEAST_SAVING),
    )
    return [
        Comparison(what=what, ours=cpu["both"], theirs=cpu[other], unit="CPU s", limit=limit)
        for what, other, limit in wanted
        if "both" in cpu and other in cpu
    ]


if __name__ == "__main__":
    main()
