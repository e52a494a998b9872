"""The reporters that there are, and writing all of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bakehouse.model.report import RunReport
from bakehouse.reporters import html, json_file, junit, markdown, terminal
from bakehouse.reporters.comparison import RunComparison
from bakehouse.reporters.exports import action_benchmark, csv_file, ctrf, openmetrics
from bakehouse.reporters.exports.reference_tool import ToolReporter
from bakehouse.servers import REFERENCE_TOOLS
from bakehouse.system import atomic_write


class Reporter(Protocol):
    """One kind of report. A module with these two names is one."""

    @property
    def file(self) -> str:
        """Path of the file in the run's folder."""
        ...

    def render(self, run: RunReport, *, folder: Path) -> str:
        """The file's text. `folder` is the run's: logs are read from it, nothing is written."""
        ...


class Comparing(Protocol):
    """A reporter that also says what a run was compared with."""

    def render(self, run: RunReport, *, folder: Path, versus: RunComparison | None = None) -> str: ...


REPORTERS: dict[str, Reporter] = {
    "json": json_file,
    "junit": junit,
    "markdown": markdown,
    "terminal": terminal,
    "html": html,
    **{tool.program: ToolReporter(tool) for tool in REFERENCE_TOOLS},
    "benchmark-bigger": action_benchmark.BIGGER,
    "benchmark-smaller": action_benchmark.SMALLER,
    "ctrf": ctrf,
    "openmetrics": openmetrics,
    "csv": csv_file,
}
"""`json` stays first: what the others are drawn from is safe before they are drawn."""

COMPARING: dict[str, Comparing] = {"markdown": markdown, "terminal": terminal, "html": html}
"""Those of them that people read. The others hold what was recorded, and no judgement of it."""


def write_all(
    run: RunReport,
    folder: Path,
    *,
    versus: RunComparison | None = None,
    reporters: Mapping[str, Reporter] = REPORTERS,
) -> None:
    """Write every report, each in one step. InputError where the folder holds the run of a newer bakehouse."""
    json_file.refuse_newer(folder)
    for name, reporter in reporters.items():
        if versus and name in COMPARING:
            text = COMPARING[name].render(run, folder=folder, versus=versus)
        else:
            text = reporter.render(run, folder=folder)
        atomic_write.write(folder / reporter.file, text)
