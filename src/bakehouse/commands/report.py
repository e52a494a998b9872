"""`report`: draw a run's reports again from its run.json."""

from __future__ import annotations

from pathlib import Path

from bakehouse.errors import ExitCode
from bakehouse.pipeline.compare_images import compare_in_turn
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.history_writer import recall
from bakehouse.pipeline.run_steps import exit_code
from bakehouse.reporters import json_file
from bakehouse.reporters.latest import find_latest
from bakehouse.reporters.registry import write_all
from bakehouse.reporters.terminal import show


def report(context: Context, folder: Path | None) -> ExitCode:
    """The latest run without a folder. Ends with the code that its cells give, whatever it was compared with.

    What a run is compared with is not in its folder: the history is asked again, and decisions since then count.
    """
    folder = folder or find_latest(context.reports)
    run = json_file.read(folder)
    versus = compare_in_turn(run) or recall(context.reports, run, say=context.say)
    write_all(run, folder, versus=versus)
    show(run, console=context.console, folder=folder, versus=versus)
    return exit_code(run)
