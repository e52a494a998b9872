"""`NAME.jsonl`: rates as a family's benchmark program writes them (servers/reference.py), for tools that read that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bakehouse.model.report import RunReport
from bakehouse.reporters.exports.measured import FOLDER, measured
from bakehouse.servers.reference import ReferenceTool


@dataclass(frozen=True, slots=True)
class ToolReporter:
    """A Reporter."""

    tool: ReferenceTool

    @property
    def file(self) -> str:
        return f"{FOLDER}/{self.tool.program}.jsonl"

    def render(self, run: RunReport, *, folder: Path) -> str:  # noqa: ARG002 - a Reporter
        lines = [self.tool.record(run, cell, measurement) for cell, measurement, _ in measured(run)]
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines if line is not None)
