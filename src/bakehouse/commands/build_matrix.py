"""`build-matrix`: from the matrix to images that were built, proven, started, measured and reported."""

from __future__ import annotations

from bakehouse.commands.lint import refuse_errors
from bakehouse.commands.lint_packages import refuse_missing_packages
from bakehouse.errors import ExitCode
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.job import Options
from bakehouse.pipeline.open_job import open_job
from bakehouse.pipeline.request import read_request
from bakehouse.pipeline.run_steps import exit_code, regression_code, run_steps
from bakehouse.reporters.latest import update_latest
from bakehouse.reporters.terminal import show


def build_matrix(context: Context, options: Options) -> ExitCode:
    """Run everything that the selection asks for. Only errors that stop the whole run are raised."""
    request = read_request(context, options)
    if not request.cells:
        return ExitCode.OK
    if not request.given:
        refuse_errors(request.project, {cell.at.recipe for cell in request.cells})
        refuse_missing_packages(context, request.project, request.cells)
    with open_job(request) as job:
        run, versus = run_steps(job)
    update_latest(context.reports, run.run)
    show(run, console=context.console, folder=job.state.folder.path, versus=versus)
    return exit_code(run) or (regression_code(versus) if options.fail_on_regression else ExitCode.OK)
