"""Images that retention never removes, beside those of channels: what our own files name."""

from __future__ import annotations

from pathlib import Path

from bakehouse.config.lock_file import LOCK_FILE, read_lock
from bakehouse.history.baseline import read_decisions
from bakehouse.history.collect import collect
from bakehouse.history.journal import Problems
from bakehouse.pipeline.history_writer import BASELINES, HISTORY

NEWEST_RUNS = 30
"""Of each cell: what the next run is compared with."""


def roots(root: Path, reports: Path) -> dict[str, str]:
    """Digest to the reason why it stays. Raises InputError for a lockfile that cannot be read."""
    found = {base.digest: f"{LOCK_FILE} names it" for base in read_lock(root).bases.values()}
    decided = {decision.run for decision in read_decisions(reports / BASELINES, Problems()) if decision.run}
    folder = reports / HISTORY
    for cell in sorted(path.name for path in folder.glob("*") if path.is_dir()):
        runs = sorted(collect(folder, cells={cell}).runs, key=lambda run: run.time, reverse=True)
        for place, run in enumerate(runs):
            if run.image and (place < NEWEST_RUNS or run.name in decided):
                found.setdefault(run.image, f"the history of {cell} compares with it")
    return found
