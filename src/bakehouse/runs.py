"""A run's folder below `reports/`: written piece by piece, so that a crash loses nothing that had finished."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from bakehouse.errors import InfrastructureError, InputError
from bakehouse.model.report import CellReport
from bakehouse.reporters import files, json_file

_UNFINISHED = "unfinished.pid"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFolder:
    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def bake(self) -> Path:
        return self.path / "bake"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def write_cell(self, cell: CellReport) -> None:
        """Keep what is known of a cell."""
        files.write(self.path / "cells" / f"{cell.name}.json", cell.model_dump_json(indent=1))

    def read_cells(self) -> dict[str, CellReport]:
        """What an earlier run left. A torn or foreign file is as good as none: that cell is done again."""
        found = {}
        for path in sorted((self.path / "cells").glob("*.json")):
            try:
                cell = CellReport.model_validate_json(path.read_bytes())
            except (OSError, ValidationError):
                continue
            found[cell.name] = cell
        return found

    def claim(self) -> None:
        """Note that this process is at work here."""
        files.write(self.path / _UNFINISHED, str(os.getpid()))

    def release(self) -> None:
        (self.path / _UNFINISHED).unlink(missing_ok=True)

    @property
    def owner(self) -> int | None:
        """The process that said it is at work here and never said that it ended."""
        try:
            return int((self.path / _UNFINISHED).read_text())
        except (OSError, ValueError):
            return None


def new_run(reports: Path, *, started: datetime, fingerprint: str) -> RunFolder:
    """A folder of its own, also when two runs start in the same second."""
    stem = f"{started:%Y%m%d-%H%M%S}-{fingerprint[:6]}"
    for name in (stem, f"{stem}-{secrets.token_hex(2)}"):
        try:
            (reports / name).mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise InfrastructureError(f"cannot make the run's folder: {error}") from None
        return RunFolder(path=reports / name)
    raise InfrastructureError(f"cannot make a new folder in {reports}: {stem} is taken")


def interrupted_run(reports: Path, *, fingerprint: str) -> RunFolder | None:
    """The newest run, if it was cut off and did the same: the one to resume."""
    folders = sorted(
        (path.parent for path in reports.glob(f"*/{json_file.file}") if not path.parent.is_symlink()), reverse=True
    )
    for path in folders[:1]:
        folder = RunFolder(path=path)
        try:
            run = json_file.read(path)
        except InputError:
            return None
        alive = folder.owner is not None and Path(f"/proc/{folder.owner}").exists()
        if run.finished is None and run.fingerprint == fingerprint and not alive:
            return folder
    return None
