"""`report`: draw a run's reports again from its run.json."""

from __future__ import annotations

from pathlib import Path

from bakehouse.commands.build_matrix import exit_code
from bakehouse.commands.context import Context
from bakehouse.errors import ExitCode
from bakehouse.reporters import json_file
from bakehouse.reporters.latest import find_latest
from bakehouse.reporters.registry import write_all
from bakehouse.reporters.terminal import show


def report(context: Context, folder: Path | None) -> ExitCode:
    """The latest run without a folder. Ends with the code that the run itself ended with."""
    folder = folder or find_latest(context.reports)
    run = json_file.read(folder)
    write_all(run, folder)
    show(run, console=context.console, folder=folder)
    return exit_code(run)
