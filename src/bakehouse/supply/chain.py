"""What a run of cells needs from outside: bases, sources, models and tools, each from the first place that has it.

Where no place has something, only the cells that need it end as errored, with the places that were tried.
"""

from __future__ import annotations

import platform as this_platform
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self, TypeVar

from bakehouse.engine.connection import Engine
from bakehouse.model.cell import Cell, World
from bakehouse.model.lock import Lock
from bakehouse.model.matrix import Matrix
from bakehouse.model.plan import Supply
from bakehouse.model.report import Supplied
from bakehouse.supply import bases, models, sources, tools
from bakehouse.supply.attempts import ChainResult, Place, try_in_order
from bakehouse.supply.context import Found, SupplyContext
from bakehouse.supply.registry import EngineRegistries, connect
from bakehouse.supply.web import PATIENCE
from bakehouse.system.patience import Patience

Kind = Literal["base", "source", "model", "tool"]
T = TypeVar("T")
THREADS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """The names that a selection of cells stands on."""

    bases: dict[str, frozenset[str]]
    """Name to the platforms it must serve."""
    sources: tuple[str, ...]
    models: tuple[str, ...]
    tools: tuple[str, ...] = ()

    @classmethod
    def of(cls, cells: Sequence[Cell], matrix: Matrix, *, with_models: bool = True, with_builds: bool = True) -> Needs:
        platforms: dict[str, set[str]] = {}
        built = cells if with_builds else ()
        for cell in built:
            for base in cell.bases:
                platforms.setdefault(base, set()).add(cell.at.platform)
        return cls(
            bases={name: frozenset(platforms[name]) for name in sorted(platforms)},
            sources=tuple(sorted({cell.recipe.cmake.source for cell in built if cell.recipe.cmake})),
            models=tuple(sorted({name for cell in cells for name in models_of(cell, matrix)})) if with_models else (),
            tools=tuple(sorted({name for cell in cells for name in tools.needed_by(cell)})),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What there is, and what there is not."""

    bases: dict[str, Supply]
    sources: dict[str, Supply]
    models: dict[str, Path]
    supplied: list[Supplied]
    """For the report, sorted by kind and name; an empty identity where nothing was found."""
    lock: Lock
    """The old one with what was newly pinned."""
    missing: dict[tuple[Kind, str], str]
    """Why a name is not to be had: `tried: PLACE (WHY); PLACE (WHY)`."""
    tools: dict[str, Path] = field(default_factory=dict)
    """Programs that checks run. One that is missing keeps no cell from being built."""
    models_of_cells: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Cell to the models that it is probed with; the served one first."""
    platforms: dict[str, frozenset[str]] = field(default_factory=dict)
    """Platforms of the bases that serve some of what was asked, and not all."""

    def needed(self, cell: Cell) -> list[tuple[Kind, str]]:
        """What it is made from, and the models that it is probed with."""
        found: list[tuple[Kind, str]] = [("base", name) for name in cell.bases]
        if cell.recipe.cmake:
            found.append(("source", cell.recipe.cmake.source))
        return found + [("model", name) for name in self.models_of_cells.get(cell.name, ())]

    def reason_against(self, cell: Cell) -> str | None:
        """Why this cell cannot be built, or None: `no base debian-trixie (tried: ...)`. Models count, sources too."""
        for kind, name in self.needed(cell):
            if (kind, name) in self.missing:
                return f"no {kind} {name} ({self.missing[kind, name]})"
            if kind == "base" and cell.at.platform not in self.platforms.get(name, {cell.at.platform}):
                tried = next((one for one in self.supplied if one.kind == kind and one.name == name), None)
                places = (
                    "; ".join(f"{attempt.place} ({attempt.message})" for attempt in tried.attempts) if tried else ""
                )
                return f"no base {name} for {cell.at.platform} (tried: {places})"
        return None


def gather(
    *,
    world: World,
    cells: Sequence[Cell],
    lock: Lock,
    cache: Path,
    root: Path,
    engine: Engine,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    with_models: bool = True,
    also_models: Sequence[str] = (),
    with_builds: bool = True,
    machine: str | None = None,
    patience: Patience = PATIENCE,
    connect: Callable[[str, int], None] = connect,
) -> Gathered:
    """Get what the cells need, independent things at the same time. `machine` is what `uname -m` says.

    Only running an image takes a model: `with_models` is False where nothing will be run. `also_models`: rows that are
    wanted beside those that the cells are probed with. `with_builds` is False where images come from elsewhere: no base
    and no source is asked for then.

    Raises only Interrupted and bugs; what is not to be had is in `missing`.
    """
    stopped = threading.Event()
    context = SupplyContext(
        cache=cache.resolve(),
        root=root.resolve(),
        environ=environ,
        machine=machine or this_platform.machine(),
        lock=lock,
        registries=EngineRegistries(engine=engine, environ=environ, connect=connect),
        say=_one_at_a_time(say),
        patience=replace(patience, sleep=stopped.wait),
        stopped=stopped,
    )
    needs = Needs.of(cells, world.matrix, with_models=with_models, with_builds=with_builds)
    needs = replace(needs, models=tuple(sorted({*needs.models, *also_models})))
    outcomes = _ask_all(needs, world.matrix, context)
    of_cells = {cell.name: models_of(cell, world.matrix) for cell in cells} if with_models else {}
    return replace(_gathered(outcomes, needs, lock), models_of_cells=of_cells)


def _ask_all(needs: Needs, matrix: Matrix, context: SupplyContext) -> _Outcomes:
    """Everything at the same time, as far as there are threads. Models come last: they are the largest."""
    with _Threads(context) as threads:
        of_bases = {
            name: threads.ask(bases.places_of(name, matrix.bases, needed=wanted, context=context), wanted)
            for name, wanted in needs.bases.items()
        }
        of_sources = {
            name: threads.ask(sources.places_of(matrix.sources[name], context=context)) for name in needs.sources
        }
        of_tools = {name: threads.ask(tools.places_of(name, context=context)) for name in needs.tools}
        of_models = {
            name: threads.ask(models.places_of(matrix.models[name], rows=matrix.models, context=context))
            for name in needs.models
        }
        return _Outcomes(
            bases={name: future.result() for name, future in of_bases.items()},
            sources={name: future.result() for name, future in of_sources.items()},
            models={name: future.result() for name, future in of_models.items()},
            tools={name: future.result() for name, future in of_tools.items()},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcomes:
    bases: dict[str, ChainResult[Supply]]
    sources: dict[str, ChainResult[Supply]]
    models: dict[str, ChainResult[Path]]
    tools: dict[str, ChainResult[Path]]


class _Threads:
    """A pool that tells its workers when the run is cut off, instead of waiting for their downloads."""

    def __init__(self, context: SupplyContext) -> None:
        self._supply_context = context
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="supply")

    def __enter__(self) -> Self:
        return self

    def ask(self, places: list[Place[T]], platforms: frozenset[str] = frozenset()) -> Future[ChainResult[T]]:
        return self._pool.submit(try_in_order, places, platforms=platforms)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._supply_context.stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _gathered(outcomes: _Outcomes, needs: Needs, lock: Lock) -> Gathered:
    kinds: dict[Kind, dict[str, ChainResult[Supply]] | dict[str, ChainResult[Path]]] = {
        "base": outcomes.bases,
        "source": outcomes.sources,
        "model": outcomes.models,
        "tool": outcomes.tools,
    }
    served = {name: found.platforms for name, found in _found(outcomes.bases).items() if found.platforms is not None}
    return Gathered(
        bases={name: found.what for name, found in _found(outcomes.bases).items()},
        sources={name: found.what for name, found in _found(outcomes.sources).items()},
        models={name: found.what for name, found in _found(outcomes.models).items()},
        supplied=[_supplied(kind, name, outcome) for kind, named in kinds.items() for name, outcome in named.items()],
        lock=_pinned(lock, outcomes),
        missing={
            (kind, name): f"tried: {outcome.why_not}"
            for kind, named in kinds.items()
            for name, outcome in named.items()
            if outcome.found is None
        },
        tools={name: found.what for name, found in _found(outcomes.tools).items()},
        platforms={name: there for name, there in served.items() if not needs.bases[name] <= there},
    )


def _found(outcomes: Mapping[str, ChainResult[T]]) -> dict[str, Found[T]]:
    return {name: outcome.found for name, outcome in outcomes.items() if outcome.found is not None}


def _supplied(kind: Kind, name: str, outcome: ChainResult[Supply] | ChainResult[Path]) -> Supplied:
    found = outcome.found
    return Supplied(
        kind=kind,
        name=name,
        attempts=list(outcome.attempts),
        identity=found.identity if found else "",
        locked=found.locked if found else False,
    )


def _pinned(lock: Lock, outcomes: _Outcomes) -> Lock:
    """The lock with new pins. Pins of what this run did not need stay."""
    files = dict(lock.files)
    for source in _found(outcomes.sources).values():
        files |= source.files
    for file in (_found(outcomes.models) | _found(outcomes.tools)).values():
        files |= file.files
    digests = {name: found.base for name, found in _found(outcomes.bases).items() if found.base}
    return lock.model_copy(update={"bases": lock.bases | digests, "files": files})


def models_of(cell: Cell, matrix: Matrix) -> tuple[str, ...]:
    """The model that a cell is probed with, then what lies beside it."""
    served = cell.recipe.probes.served_model
    return (served, *matrix.models[served].beside) if served else ()


def _one_at_a_time(say: Callable[[str], None]) -> Callable[[str], None]:
    """Threads speak in turn."""
    guard = threading.Lock()

    def speak(text: str) -> None:
        with guard:
            say(text)

    return speak
