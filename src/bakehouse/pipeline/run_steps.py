"""The steps of a run, one after the other, and what they came to."""

from __future__ import annotations

from bakehouse.engine.reaper import reap
from bakehouse.errors import ExitCode, InfrastructureError
from bakehouse.model.enums import Change, Verdict
from bakehouse.model.report import RunReport
from bakehouse.pipeline import stages, suite_stage
from bakehouse.pipeline.compare_images import compare_in_turn
from bakehouse.pipeline.job import Job
from bakehouse.reporters.comparison import RunComparison


def run_steps(job: Job) -> tuple[RunReport, RunComparison | None]:
    """Build, prove, test and compare. Whatever happens, what is known is recorded and no container stays."""
    state, say = job.state, job.context.say
    try:
        _walk(job)
        for cell in state.todo(job.cells):
            state.finish(cell.name)
        suite_stage.keep(job)
        versus = _versus(job)
        return state.write(finished=True, versus=versus), versus
    except BaseException:
        try:
            state.cut_off()
            say(f"stopped; what had finished is in {state.folder.path}, and the same command goes on there")
        except OSError as error:
            say(f"stopped, and the reports could not be written: {error}")
        raise
    finally:
        try:
            reap(job.engine, say=say, run=state.folder.name)
        except InfrastructureError as error:
            say(f"cannot remove what this run may have left; the next run will: {error.message}")


def _walk(job: Job) -> None:
    stages.bake(job)
    if job.options.prove:
        stages.prove(job)
    if job.options.tests:
        suite_stage.test(job)


def _versus(job: Job) -> RunComparison | None:
    """What was measured in turn says more than a history; None where nothing was asked for."""
    if job.baselines:
        return compare_in_turn(job.state.report())
    return job.writer.compare(job.state.report()) if job.writer else None


def exit_code(run: RunReport) -> ExitCode:
    """1 if a cell failed or was errored: either way it was not proven to work."""
    return ExitCode.OK if run.verdict is Verdict.PASSED else ExitCode.CELL_FAILED


def regression_code(versus: RunComparison | None) -> ExitCode:
    """1 if something regressed, 4 if nothing could be compared. What is inconclusive is no regression."""
    if versus is None:
        return ExitCode.INFRASTRUCTURE
    regressed = any(change is Change.REGRESS for change, _ in versus.tally)
    return ExitCode.CELL_FAILED if regressed else ExitCode.OK
