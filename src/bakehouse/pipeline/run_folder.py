"""A run's folder below `reports/`: written piece by piece, so that a crash loses nothing that had finished."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from bakehouse.errors import InfrastructureError, InputError
from bakehouse.model.report import CellReport
from bakehouse.reporters import json_file
from bakehouse.system import atomic_write


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
        atomic_write.write(self.path / "cells" / f"{cell.name}.json", cell.model_dump_json(indent=1))

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


@contextlib.contextmanager
def open_run(
    reports: Path,
    *,
    started: datetime,
    fingerprint: str,
    fresh: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[RunFolder]:
    """The folder of the last run if it was cut off and did the same, else a new one. It is locked meanwhile."""
    with contextlib.ExitStack() as stack:
        if not fresh and (folder := interrupted_run(reports, fingerprint=fingerprint)):
            # Between our look at it and our hold of it, its owner may have finished it.
            held = stack.enter_context(hold_folder(folder.path))
            if held and interrupted_run(reports, fingerprint=fingerprint) == folder:
                say(f"going on with {folder.name}, which was cut off")
                yield folder
                return
        folder = new_run(reports, started=started, fingerprint=fingerprint)
        stack.enter_context(hold_folder(folder.path))
        yield folder


@contextlib.contextmanager
def hold_folder(path: Path) -> Iterator[bool]:
    """Whether we have the folder to ourselves, until the end of the `with`. The kernel lets go of it when we die."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


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
    """The newest run, if it has not finished and did the same. Its owner may still be at work in it."""
    newest = max(
        (path.parent for path in reports.glob(f"*/{json_file.file}") if not path.parent.is_symlink()), default=None
    )
    if newest is None:
        return None
    try:
        run = json_file.read(newest)
    except InputError:
        return None
    return RunFolder(path=newest) if run.finished is None and run.fingerprint == fingerprint else None
