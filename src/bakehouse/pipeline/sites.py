"""The places to test, this machine and hosts of the matrix: what is brought there before the suite starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bakehouse.config.layout import ProjectLayout
from bakehouse.engine.reaper import reap
from bakehouse.errors import InfrastructureError
from bakehouse.formatting import count
from bakehouse.hosts.ground import HostGround, open_host
from bakehouse.hosts.suite_image import SuiteImage
from bakehouse.machine import load_libraries
from bakehouse.machine.nvidia import memory_bandwidth
from bakehouse.measure.lease import hold
from bakehouse.model.cell import Cell
from bakehouse.model.enums import AcceleratorName
from bakehouse.pipeline.job import Job
from bakehouse.pipeline.limits import measured_alone
from bakehouse.pipeline.scratch import scratch
from bakehouse.pipeline.site import Site
from bakehouse.pipeline.suite_file import models_of, recipe_folder, reference
from bakehouse.planning.fleet import targets
from bakehouse.suite.ground import ThisMachine

PATIENCE = 6 * 3600.0
"""Seconds we wait for other runs' measurements to end."""

Say = Callable[[str], None]


def this_machine(job: Job, *, wanted: Callable[[], bool]) -> Site:
    context, folder = job.context, job.state.folder
    alone = partial(
        hold, "cpu", folder=context.cache / "leases", run=folder.name, exclusive=True, timeout=PATIENCE, say=context.say
    )
    nvml = load_libraries().nvml
    return Site(
        ground=ThisMachine(engine=job.engine, wanted=wanted),
        folder=folder.path,
        run_folder=str(folder.path),
        cache=str(context.cache),
        machine=job.machine,
        processor=measured_alone(context.cache, alone),
        bandwidth=lambda card: memory_bandwidth(card, nvml),
        say=context.say,
    )


@contextmanager
def on_host(
    job: Job, name: str, cells: list[Cell], *, folder: Path, suite: SuiteImage, wanted: Callable[[], bool]
) -> Iterator[Site]:
    """A host with all that its cells need, until the end of the `with`. Raises InfrastructureError where it is lost."""
    say: Say = lambda text: job.context.say(f"{name}: {text}")  # noqa: E731
    matrix = job.project.world.matrix
    there = targets(matrix, platform=job.machine.platform)[name]
    folder.mkdir(parents=True, exist_ok=True)
    with scratch(job.context.cache) as room:
        host = open_host(
            name,
            matrix.hosts[name],
            run=job.state.folder.name,
            environ=job.context.environ,
            suite=suite,
            with_nvidia=any(AcceleratorName.CUDA in target.accelerators for target in there),
            say=job.context.say,
            wanted=wanted,
        )
        try:
            images = _bring(job, host, cells, room=room, say=say)
            if job.writer:
                job.writer.elsewhere |= dict.fromkeys((cell.name for cell in cells), host.facts.machine)
            yield Site(
                ground=host,
                folder=folder,
                run_folder=str(host.results),
                cache=str(host.folders.cache),
                machine=host.facts.machine,
                processor=host.speed,
                bandwidth=lambda card: host.facts.bandwidths.get(card.name),
                say=say,
                host=host.facts.host,
                images=images,
            )
        finally:
            _leave(job, host, say)


def _bring(job: Job, host: HostGround, cells: list[Cell], *, room: Path, say: Say) -> dict[str, str]:
    """Images, models and files. Returns the images' IDs there by those here."""
    images: dict[str, str] = {}
    sent = 0
    for cell in cells:
        other = job.baselines.get(cell.name)
        named = {reference(job.state, cell): cell.image, **({other.reference: f"{cell.image}.other"} if other else {})}
        for image, tag in named.items():
            images[image], was_sent = host.bring_image(image, name=tag, here=job.engine, folder=room)
            sent += was_sent
    models = {path: name for cell in cells for name, path in models_of(cell, job.gathered).items()}
    rows = job.project.world.matrix.models
    new = sum(host.bring_model(path, rows[name].sha256) for path, name in models.items())
    host.send(_files(job, cells), folder=room)
    say(f"brought {count(sent, 'image')} of {len(images)} and {count(new, 'model')} of {len(models)}")
    return images


def _files(job: Job, cells: list[Cell]) -> Iterable[Path]:
    """The suite, and the recipes with what they mount and test."""
    root = job.context.root
    yield from ProjectLayout(root=root).image_tests()
    yield from (recipe_folder(root, cell) for cell in cells)


def _leave(job: Job, host: HostGround, say: Say) -> None:
    """Nothing of the run stays there but images, models and what was measured of the machine."""
    try:
        reap(host.agent.engine, say=say, run=job.state.folder.name)
        if host.agent.wanted():  # who was told to end has no time
            host.forget()
    except InfrastructureError as error:
        say(f"cannot remove what this run may have left there; runs of later days will: {error.message}")
