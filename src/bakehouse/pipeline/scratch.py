"""Room for large temporary files, below the cache: images are too large for /tmp on many machines."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bakehouse.pipeline.run_folder import hold_folder


@contextlib.contextmanager
def scratch(cache: Path) -> Iterator[Path]:
    """A folder that is gone afterwards. One whose owner was killed goes when somebody next needs one."""
    parent = cache / "scratch"
    parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        with _alone(parent):
            for old in parent.iterdir():
                _remove_abandoned(old)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=parent)))
            stack.enter_context(hold_folder(folder))
        yield folder


def _remove_abandoned(folder: Path) -> None:
    if folder.is_dir():
        with hold_folder(folder) as ours:
            if ours:
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Between the making of a folder and its lock, no other process may take it for abandoned."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
