"""What must hold of a cell's image, for the proofs at rest and for the image suite. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from bakehouse.catalogue.accelerators import ACCELERATORS
from bakehouse.formatting import size_in_bytes
from bakehouse.model.build import WheelsBuild
from bakehouse.model.cell import Cell, World
from bakehouse.model.recipe import Health, Load
from bakehouse.model.serving import Start
from bakehouse.model.suite import BaselineImage, Subject, Workload, WorkToMeasure
from bakehouse.planning.installed import installed
from bakehouse.planning.plugins import plugin_targets
from bakehouse.planning.render.labels import labels
from bakehouse.prove.expect import Expectation, Forbidden
from bakehouse.servers import SERVERS
from bakehouse.servers.server import OPENAI

PLUGIN_FOLDER = "/app"
FOREIGN = {"cmake": (), "wheels": (f"{PLUGIN_FOLDER}/env/*",), "image": ("*",)}
"""By kind of build: what was compiled elsewhere."""

SLOWEST_READ = 200e6
"""Bytes a second, from a disk that is not quick: the time that a model takes to be read is none of the image's."""


def plugin_files(cell: Cell) -> tuple[str, ...]:
    """The files that the server loads as backends."""
    return tuple(sorted(f"lib{target}.so" for target in plugin_targets(cell)))


def device_code(cell: Cell) -> tuple[str, ...]:
    """Files with the accelerator's code: plugins by their names, or what comes compiled by its path."""
    if cell.backend:
        return tuple(f"lib{target}.so" for target in cell.backend.plugins)
    return cell.prebuilt.device_code if cell.prebuilt else ()


def size_budget(cell: Cell) -> int:
    """The most that the unpacked image may weigh, in bytes."""
    runtime, extra = cell.recipe.runtime, cell.flag_set.extra_size
    limit = size_in_bytes(runtime.size_budgets.get(cell.at.accelerator, runtime.size_budget))
    return limit + (size_in_bytes(extra) if extra else 0)


def loaded_by_name(cell: Cell) -> tuple[str, ...]:
    """Globs of the paths that the backend's `runtime_files` or `loads` have in the image."""
    if isinstance(cell.recipe.build, WheelsBuild):
        wheels = cell.recipe.build.backends.get(cell.at.accelerator)
        return (
            tuple(f"{_site_packages(cell, cell.recipe.build)}/{pattern}" for pattern in wheels.loads) if wheels else ()
        )
    files = cell.backend.runtime_files | cell.backend.optional_runtime_files if cell.backend else {}
    return tuple(
        posixpath.normpath(posixpath.join(PLUGIN_FOLDER, folder, posixpath.basename(pattern).replace("{arch}", "*")))
        for pattern, folder in files.items()
    )


def vendor_libraries(cell: Cell) -> tuple[str, ...]:
    """Globs of the paths of libraries that NVIDIA's wheels bring."""
    build = cell.recipe.build
    return (f"{_site_packages(cell, build)}/nvidia/*",) if isinstance(build, WheelsBuild) else ()


def _site_packages(cell: Cell, build: WheelsBuild) -> str:
    return f"{PLUGIN_FOLDER}/env/lib/python{build.python_for(cell.at.accelerator)}/site-packages"


def expectation(
    cell: Cell,
    world: World,
    *,
    forbidden_certificates: frozenset[str] = frozenset(),
    forbidden: tuple[Forbidden, ...] = (),
) -> Expectation:
    """What must be true of the image's files and configuration."""
    runtime, toolkit = cell.recipe.runtime, cell.toolkit
    return Expectation(
        user=runtime.user,
        port=runtime.port,
        entrypoint=runtime.entrypoint,
        labels=labels(cell, world),
        plugins=plugin_files(cell),
        plugin_kind=SERVERS[cell.recipe.server].plugins,
        plugin_folder=PLUGIN_FOLDER,
        size_budget=size_budget(cell),
        accelerator=cell.at.accelerator,
        backend_plugins=device_code(cell),
        codes=cell.codes,
        ptx=cell.ptx,
        toolkit=f"{toolkit.accelerator} {toolkit.version}" if toolkit else "",
        driver_floor=toolkit.driver_floor if toolkit else None,
        driver_floor_minor=toolkit.driver_floor_minor if toolkit else None,
        loaded_by_name=loaded_by_name(cell),
        vendor_libraries=vendor_libraries(cell),
        driver_libraries=ACCELERATORS[cell.at.accelerator].driver_libraries(),
        foreign=FOREIGN[cell.recipe.build.kind],
        starts_published=cell.recipe.build.kind == "image",
        forbidden_certificates=forbidden_certificates,
        forbidden=forbidden,
    )


def version_text(cell: Cell, world: World) -> str:
    """What the server's `--version` must say."""
    content, cmake = installed(cell, world), cell.recipe.cmake
    number = world.matrix.sources[cmake.source].build_number if cmake else 0
    server = SERVERS[cell.recipe.server]
    return server.version_text(version=content.version, build_number=number, commit=content.commit or "")


def subject(
    cell: Cell,
    world: World,
    *,
    reference: str,
    digest: str,
    models: Sequence[str],
    recipe_folder: str = "",
    starts: int | None = None,
    repetitions: int | None = None,
    bytes_compressed: int | None = None,
    loads: Sequence[Load] | None = None,
    seconds: float = 1.0,
    baseline: BaselineImage | None = None,
) -> Subject:
    """What the suite must know about a built image. `starts`, `repetitions` and `loads` replace the recipe's.

    `seconds`: of a repetition of work in other units than tokens.
    """
    probes, server = cell.recipe.probes, SERVERS[cell.recipe.server]
    model_path = models[0] if models else None
    return Subject(
        cell=cell.name,
        recipe=cell.at.recipe,
        accelerator=cell.at.accelerator,
        reference=reference,
        digest=digest,
        platform=cell.at.platform,
        port=cell.recipe.runtime.port,
        version=version_text(cell, world),
        plugins=list(plugin_files(cell)),
        health=_health(cell, world) if model_path else probes.health,
        memory_limit=probes.memory_limit,
        shm=cell.recipe.runtime.shm,
        args=list(probes.args),
        env=probes.env,
        mounts=probes.mounts,
        web_ui=cell.recipe.cmake is not None and cell.recipe.cmake.web_ui,
        workload=_workload(cell, world, model_path, starts=starts, repetitions=repetitions, loads=loads),
        work=_work(cell, world, starts=starts, repetitions=repetitions, seconds=seconds),
        toolkit=cell.toolkit,
        archs=list(cell.archs),
        runs_on=_cards_of(cell, world),
        ptx=cell.ptx is not None,
        bytes_compressed=bytes_compressed,
        baseline=baseline,
        model_path=model_path,
        models_beside=list(models[1:]),
        server=cell.recipe.server,
        start=Start(model=cell.recipe.start.model or server.model, port=cell.recipe.start.port or server.port),
        cases=list(probes.cases),
        recipe_folder=recipe_folder,
    )


def _health(cell: Cell, world: World) -> Health:
    """With the time that a slow disk takes to read the model."""
    probes = cell.recipe.probes
    if not probes.served_model:
        return probes.health
    patience = probes.health.start_period + world.matrix.models[probes.served_model].size / SLOWEST_READ
    return probes.health.model_copy(update={"start_period": patience})


def _workload(
    cell: Cell,
    world: World,
    model_path: str | None,
    *,
    starts: int | None,
    repetitions: int | None,
    loads: Sequence[Load] | None,
) -> Workload | None:
    """Rates of tokens that are measured; None where there is no model, or the recipe asks for none."""
    asked = cell.recipe.probes.throughput
    if asked is None or model_path is None:
        return None
    model = world.matrix.models[asked.model]
    return Workload(
        model_path=model_path,
        model=asked.model,
        model_sha256=model.sha256,
        prompt_tokens=asked.prompt_tokens,
        output_tokens=asked.output_tokens,
        starts=starts or asked.starts,
        repetitions=repetitions or asked.repetitions,
        question=model.question,
        loads=list(asked.workloads if loads is None else loads),
        load_repetitions=repetitions or asked.workload_repetitions,
        limits=asked.limits,
        api=SERVERS[cell.recipe.server].api or OPENAI,
    )


def _work(
    cell: Cell, world: World, *, starts: int | None, repetitions: int | None, seconds: float
) -> WorkToMeasure | None:
    probes = cell.recipe.probes
    if probes.work is None:
        return None
    model = world.matrix.models[probes.served_model] if probes.served_model else None
    return WorkToMeasure(
        model=probes.served_model or "",
        model_sha256=model.sha256 if model else "",
        tasks=list(probes.work.tasks),
        starts=starts or probes.work.starts,
        repetitions=repetitions or probes.work.repetitions,
        limits=probes.work.limits,
        behind=probes.work.behind,
        seconds=seconds,
    )


def _cards_of(cell: Cell, world: World) -> list[str]:
    """Archs of the cards that run the cell's native code."""
    rows = world.matrix.archs
    return list(dict.fromkeys(name for arch in cell.archs for name in (arch, *rows[arch].runs)))
