"""What a run was asked for: the options, the project, and the cells that they choose on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bakehouse.config.load import Project
from bakehouse.errors import InputError
from bakehouse.machine import Machine, detect
from bakehouse.model.cell import Cell, Excluded, Resolution
from bakehouse.model.fleet import HERE
from bakehouse.model.lock import Lock
from bakehouse.model.matrix import Matrix
from bakehouse.pipeline.choose_cells import choose
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.given_images import read_given
from bakehouse.pipeline.given_model import put_in
from bakehouse.pipeline.job import Options
from bakehouse.pipeline.project import open_project
from bakehouse.planning import fleet
from bakehouse.planning.gpus import find_target, require_card, without_row
from bakehouse.planning.planner import make_plan, published_supplies

HEADLINE_NAMES = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequest:
    context: Context
    options: Options
    project: Project
    machine: Machine
    cells: tuple[Cell, ...]
    """The chosen ones; none where nothing that was asked for is affected."""
    excluded: tuple[Excluded, ...]
    given: Mapping[str, str] = field(default_factory=dict)
    """By cell: the reference of the image that is taken instead of being built."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """By cell: the host that tests it."""


def read_request(context: Context, options: Options) -> RunRequest:
    """Read the project and choose the cells. Raises InputError."""
    _refuse_idle_gate(options)
    project, resolution = open_project(context.root)
    if options.model is not None:
        project, resolution = put_in(project, resolution, options.model, cache=context.cache, say=context.say)
    machine = detect()
    given = read_given(options.images, project.world.matrix.publish) if options.images else {}
    matrix = project.world.matrix
    fleet.targets(matrix, options.hosts, platform=machine.platform)  # a wrong name is refused before anything else
    cells = _choose(context, options, project, resolution, machine)
    return RunRequest(
        context=context,
        options=options,
        project=project,
        machine=machine,
        cells=_that_were_built(cells, given, context) if options.images else cells,
        excluded=resolution.excluded,
        given=given,
        hosts=_divide(cells, matrix, options, machine.platform),
    )


def _divide(cells: tuple[Cell, ...], matrix: Matrix, options: Options, platform: str) -> Mapping[str, str]:
    """Who tests what. Raises InputError where a program of this machine would make the load on another."""
    hosts = fleet.divide(cells, matrix, only=options.hosts, platform=platform)
    others = sorted({name for name in hosts.values() if name != HERE})
    if options.client != "bakehouse" and others:
        raise InputError(
            f"--engine {options.client} makes the load on this machine alone, and {', '.join(others)} would test",
            hint="--host here tests on this machine.",
        )
    return hosts


def try_templates(request: RunRequest, lock: Lock) -> None:
    """Raise InputError for a template that cannot be rendered before anything is downloaded for it."""
    world = request.project.world
    supplies = published_supplies(world, lock)
    make_plan(root=request.context.root, world=world, cells=request.cells, excluded=(), supplies=supplies)


def _refuse_idle_gate(options: Options) -> None:
    """A gate that compares nothing would always pass."""
    if options.fail_on_regression and not options.keeps_history and options.compare is None:
        raise InputError(
            "--fail-on-regression has nothing to go by: this run would be compared with nothing",
            hint="Leave out --quick, --no-tests and --no-history; --quick --history compares rough figures, "
            "`bench --compare BASE` two images.",
        )
    if options.model is not None and not options.tests:
        raise InputError("--model names what probes run, and --no-tests runs none", hint="Leave out one of the two.")


def _choose(
    context: Context, options: Options, project: Project, resolution: Resolution, machine: Machine
) -> tuple[Cell, ...]:
    matrix = project.world.matrix
    for card in options.selection.gpu if options.need_card else ():
        _require_card(card, options, machine, matrix, resolution)
    for note in without_row(machine, matrix):
        context.say(note)
    cells, _ = choose(context, options.selection, project, resolution, machine=machine)
    if cells:
        context.say(_headline(cells, len(resolution.cells)))
    for note in fleet.without_suite(cells, matrix, platform=machine.platform) if options.tests else ():
        context.say(note)
    return cells


def _require_card(word: str, options: Options, machine: Machine, matrix: Matrix, resolution: Resolution) -> None:
    """Raises InputError where neither this machine nor a host has it; with `--host`, where none of those has it."""
    if fleet.have_card(word, fleet.elsewhere(matrix, options.hosts, platform=machine.platform), matrix):
        return
    if options.hosts and HERE not in options.hosts:
        names = ", ".join(options.hosts)
        cards = "; ".join(f"{name}: {', '.join(matrix.hosts[name].cards)}" for name in options.hosts)
        raise InputError(f"--host {names}: no {find_target(word, matrix, machine)} there", hint=f"There is: {cards}.")
    require_card(machine, word, matrix, cells=resolution.cells)


def _that_were_built(cells: tuple[Cell, ...], given: Mapping[str, str], context: Context) -> tuple[Cell, ...]:
    """Of the chosen ones."""
    if missing := [cell.name for cell in cells if cell.name not in given]:
        context.say(f"no machine built a good image of {', '.join(missing)}: nothing is tested of it")
    return tuple(cell for cell in cells if cell.name in given)


def _headline(cells: tuple[Cell, ...], total: int) -> str:
    names = ", ".join(cell.name for cell in cells[:HEADLINE_NAMES])
    return f"{len(cells)} of {total} cells: {names}{', ...' if len(cells) > HEADLINE_NAMES else ''}"
