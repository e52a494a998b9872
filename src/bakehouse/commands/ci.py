"""`ci`: write the workflows of a CI system, and find what a CI run has to do."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never

from pydantic import ValidationError
from rich.console import Console

from bakehouse.ci import github, gitlab
from bakehouse.ci.jobs import Jobs, for_github, for_programs, jobs
from bakehouse.ci.notice import notice
from bakehouse.ci.settings import MARK, Settings
from bakehouse.commands.catalogue import collected
from bakehouse.commands.publish import REPORT
from bakehouse.config.load import Project
from bakehouse.config.lock_file import read_lock
from bakehouse.errors import BakehouseError, ExitCode, InfrastructureError, InputError, Where
from bakehouse.machine import detect
from bakehouse.model.cell import Cell, Resolution
from bakehouse.model.image_catalogue import ImageCatalogue
from bakehouse.model.publish_report import PublishReport
from bakehouse.pipeline.choose_cells import choose
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.image_catalogue import read_catalogue
from bakehouse.pipeline.project import open_project
from bakehouse.pipeline.shards import shards_of
from bakehouse.pipeline.stale_cells import stale_cells
from bakehouse.planning.gpus import Fit, find_target, fit_of
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.planning.select import Selection
from bakehouse.reporters import json_file
from bakehouse.system import atomic_write

System = Literal["github", "gitlab"]
Format = Literal["github", "gitlab", "json"]


@dataclass(frozen=True, kw_only=True, slots=True)
class JobsOptions:
    selection: Selection
    form: Format
    stale: bool = False
    """Only cells whose published image is not what the project says now."""
    change: bool = False
    """Of a merge request: nothing is published."""


def write(context: Context, system: System) -> ExitCode:
    """Write the files of one CI system. A file of the same name that is not ours is in the way: InputError."""
    if _settings(context).registry is None:
        context.say("no nightly run: matrix.yaml says nothing of a registry (publish: repository)")
    for name, text in _files(context, system).items():
        path = context.root / name
        before = path.read_text(encoding="utf-8") if path.is_file() else None
        if before is not None and not before.startswith(MARK):
            hint = "Move it away, or rename it: bakehouse writes only files that it wrote itself."
            raise InputError("the file was not written by bakehouse", hint=hint, where=Where(file=name))
        if before == text:
            context.say(f"{name} has not changed")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            atomic_write.write(path, text)
        except OSError as error:
            raise InfrastructureError(f"cannot write {name}: {error.strerror}") from None
        context.say(f"wrote {name}")
    return ExitCode.OK


def check(context: Context) -> ExitCode:
    """Raises InputError where a file that we wrote is not what we would write now."""
    systems: tuple[System, ...] = ("github", "gitlab")
    files = {name: (text, system) for system in systems for name, text in _files(context, system).items()}
    there = {name: (context.root / name).read_text("utf-8") for name in files if (context.root / name).is_file()}
    ours = {name: text for name, text in there.items() if text.startswith(MARK)}
    stale = [name for name, text in ours.items() if text != files[name][0]]
    if stale:
        verbs = " and ".join(dict.fromkeys(f"bakehouse ci {files[name][1]}" for name in stale))
        raise InputError(f"stale: {', '.join(stale)}", hint=f"Run `{verbs}` and commit what it writes.")
    context.say(f"{', '.join(ours)}: up to date" if ours else "no workflow here was written by bakehouse")
    return ExitCode.OK


def find_jobs(context: Context, options: JobsOptions, *, out: Console) -> ExitCode:
    """Print what a CI run has to do, in the words of its system."""
    project, resolution = open_project(context.root)
    found = _jobs(context, project, resolution, options)
    settings = Settings.of(project.world.matrix)
    match options.form:
        case "github":
            text = for_github(found)
        case "gitlab":
            text = gitlab.child(found, settings, change=options.change)
        case "json":
            text = json.dumps(for_programs(found), indent=2) + "\n"
        case _:
            assert_never(options.form)
    out.print(text, end="", soft_wrap=True, markup=False, highlight=False)
    if found.untested:
        context.say(f"no runner has a card for: {', '.join(found.untested)}; they are built and proven only")
    return ExitCode.OK


def say_notice(context: Context, *, catalogue: str | None, fail: bool, out: Console) -> ExitCode:
    """Print in Markdown what the runs in `reports` found; nothing where all is well. `fail`: else exit code 1."""
    runs = [json_file.read(path.parent) for path in sorted(context.reports.glob(f"2*/{json_file.file}"))]
    publications = [found for path in sorted(context.reports.glob(f"2*/{REPORT}")) if (found := _publication(path))]
    text = notice(runs, _published(context, catalogue), publications)
    out.print(text, end="", soft_wrap=True, markup=False, highlight=False)
    return ExitCode.CELL_FAILED if text and fail else ExitCode.OK


def _publication(path: Path) -> PublishReport | None:
    """None: nobody can read it, which tells nothing."""
    try:
        return PublishReport.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _published(context: Context, place: str | None) -> ImageCatalogue | None:
    """None where it could not be drawn: that is reported, and so is what the runs found."""
    if place is None:
        return None
    try:
        return read_catalogue(place, context.root)
    except BakehouseError as error:
        context.say(f"nothing is known of what is published: {error.message}")
        return None


def _jobs(context: Context, project: Project, resolution: Resolution, options: JobsOptions) -> Jobs:
    matrix = project.world.matrix
    cells, _ = choose(context, options.selection, project, resolution, machine=detect(), by_default_all=True)
    if options.stale:
        cells = _stale(context, project, cells)
    plan = make_plan(
        root=context.root,
        world=project.world,
        cells=cells,
        excluded=(),
        supplies=published_supplies(project.world, read_lock(context.root)),
    )
    shards = shards_of(plan, context.reports, at_most=matrix.ci.shards)
    fitting = {card: _fitting(card, project, cells) for card in matrix.ci.runners}
    return jobs(shards, matrix.ci.runners, fitting)


def _stale(context: Context, project: Project, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """By what the first channel names. Raises InfrastructureError where the registry cannot be read."""
    published = collected(context, project)
    if published.unread:
        raise InfrastructureError(published.unread[0])
    channel = next(iter(project.world.matrix.publish.channels))
    found = stale_cells(context.root, cells, published, channel=channel, world=project.world, environ=context.environ)
    context.say(f"{len(found.why)} of {len(cells)} cells are not what {channel} names")
    for reason, number in Counter(found.why.values()).most_common():
        context.say(f"  {number}: {reason}")
    return found.of(cells)


def _fitting(card: str, project: Project, cells: tuple[Cell, ...]) -> tuple[str, ...]:
    """Cells that `--gpu CARD` would choose. Raises InputError for a card that the catalogue does not know."""
    matrix = project.world.matrix
    try:
        target = find_target(card, matrix, detect())
    except InputError as error:
        where = project.documents["matrix.yaml"].where(("ci", "runners", card))
        raise InputError(error.message, hint=error.hint, where=where) from None
    return tuple(cell.name for cell in cells if fit_of(cell, target, matrix) not in (None, Fit.PTX))


def _files(context: Context, system: System) -> dict[str, str]:
    settings = _settings(context)
    return github.workflows(settings) if system == "github" else gitlab.pipeline(settings)


def _settings(context: Context) -> Settings:
    project, _ = open_project(context.root)
    return Settings.of(project.world.matrix)
