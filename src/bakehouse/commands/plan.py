"""`plan`: what a run would do, and why. Touches neither Docker nor the network.

It is asked all the time, so what only some of its answers need is imported where that answer is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from bakehouse.commands.lint_project import mention_findings
from bakehouse.commands.plan_text import show_excluded, show_matrix
from bakehouse.config.load import Project
from bakehouse.errors import ExitCode, InputError
from bakehouse.machine import Machine, detect
from bakehouse.model.cell import Cell, Resolution
from bakehouse.pipeline.affected import Affected
from bakehouse.pipeline.choose_cells import choose
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.project import open_project
from bakehouse.planning.gpus import find_target
from bakehouse.planning.recommend import Advice, advise
from bakehouse.planning.select import NothingChosenError, Selection, select


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    selection: Selection
    driver: str | None = None
    excluded: bool = False
    """List every excluded combination, not only the reasons."""
    as_json: bool = False
    explain: str | None = None
    write: Path | None = None
    shards: int | None = None
    """Divide the cells among at most so many machines that build."""

    @property
    def need_files(self) -> bool:
        return self.as_json or self.write is not None or self.shards is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """What was asked, of which project, and what was chosen."""

    context: Context
    options: Options
    project: Project
    resolution: Resolution
    machine: Machine
    cells: tuple[Cell, ...] = ()
    affected: Affected | None = None


def plan(context: Context, options: Options, *, out: Console) -> ExitCode:
    """Print the plan; `plan` without a selection is about the whole matrix."""
    project, resolution = open_project(context.root)
    if options.explain:
        from bakehouse.planning.explain import explain  # noqa: PLC0415 - of one cell

        explain(options.explain, project, resolution, out=out)
        return ExitCode.OK
    asked = _Asked(context=context, options=options, project=project, resolution=resolution, machine=detect())
    try:
        cells, affected = choose(
            context, options.selection, project, resolution, machine=asked.machine, by_default_all=True
        )
    except NothingChosenError as error:
        raise _explained(error, asked, out=out) from None
    chosen = replace(asked, cells=cells, affected=affected)
    advices = _advise(chosen)
    if options.need_files:
        _answer_from_files(chosen, advices, out=out)
    else:
        mention_findings(context, project)
        _show(chosen, advices, out=out)
    return ExitCode.OK


def _explained(error: NothingChosenError, asked: _Asked, *, out: Console) -> InputError:
    """Where a card alone was asked about, all reasons in order say more than the few that fit into an error."""
    options = asked.options
    if options.as_json or options.selection != Selection(gpu=options.selection.gpu):
        return error
    advices = _advise(asked)
    if not advices:
        return error
    _show_advices(advices, every=options.excluded, out=out)
    return InputError(error.message, hint="The reasons are listed above.")


def _advise(asked: _Asked) -> tuple[Advice, ...]:
    """About each card, also what would run on it by compiling PTX, which `--gpu` does not choose."""
    options, resolution, machine = asked.options, asked.resolution, asked.machine
    matrix, words, driver = asked.project.world.matrix, options.selection.gpu, options.driver
    if not words:
        return () if driver is None else (advise(asked.cells, resolution, matrix, target=None, driver=driver),)
    others = replace(options.selection, gpu=(), affected_since=None, everything=True)
    cells = select(resolution, others, matrix=matrix, machine=machine)
    targets = dict.fromkeys(find_target(word, matrix, machine) for word in words)
    return tuple(advise(cells, resolution, matrix, target=target, driver=driver) for target in targets)


def _answer_from_files(asked: _Asked, advices: tuple[Advice, ...], *, out: Console) -> None:
    from bakehouse.commands import plan_files  # noqa: PLC0415 - with what renders each file
    from bakehouse.pipeline.shards import shards_of  # noqa: PLC0415 - with reports of earlier builds

    context, options, project = asked.context, asked.options, asked.project
    made = plan_files.make(
        context,
        project,
        asked.cells,
        asked.resolution.excluded,
        selected_by=options.selection.words(),
        folder=options.write,
    )
    shards = shards_of(made, context.reports, at_most=options.shards) if options.shards else ()
    mention_findings(context, project)
    if options.write is not None:
        plan_files.write(context, made, options.write)
    if options.as_json:
        plan_files.show_json(
            made, project, asked.machine, advices=advices, affected=asked.affected, shards=shards, out=out
        )
    elif options.shards:
        plan_files.show_shards(shards, out=out)


def _show(asked: _Asked, advices: tuple[Advice, ...], *, out: Console) -> None:
    options, cells, resolution = asked.options, asked.cells, asked.resolution
    if options.selection.gpu:
        _show_advices(advices, every=options.excluded, out=out)
        return
    show_matrix(
        cells,
        len(resolution.cells),
        matrix=asked.project.world.matrix,
        machine=asked.machine,
        affected=asked.affected,
        runs={answer.name: answer.runs for advice in advices for answer in advice.toolkits},
        out=out,
    )
    whole = len(cells) == len(resolution.cells) and asked.affected is None
    if whole or options.excluded:
        show_excluded(resolution.excluded, every=options.excluded, out=out)


def _show_advices(advices: Sequence[Advice], *, every: bool, out: Console) -> None:
    from bakehouse.commands.plan_advice import show_advices  # noqa: PLC0415 - of cards

    show_advices(advices, every=every, out=out)
