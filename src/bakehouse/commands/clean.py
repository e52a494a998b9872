"""`clean`: remove what runs left: containers, images, and with --cache everything in the cache folder."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from bakehouse.engine.docker import Docker
from bakehouse.engine.embedded.leftovers import find_dockerd
from bakehouse.engine.embedded.local import folders_for
from bakehouse.engine.reaper import reap
from bakehouse.errors import ExitCode, InfrastructureError
from bakehouse.measure.lease import holders
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.engine import open_engine

OURS = ("apt", "bases", "downloads", "engine", "hashes", "leases", "models", "network", "proofs", "scratch", "sources")
"""What bakehouse makes in its cache folder. BAKEHOUSE_CACHE may name a folder in which other things lie, too."""


def clean(context: Context, *, images: bool, cache: bool) -> ExitCode:
    """Reports stay: they are results. Raises InfrastructureError while somebody works with the cache."""
    with open_engine(context, install=False) as engine:
        reap(engine, say=context.say)
        if images:
            removed = Docker(engine).remove_images("bakehouse/*")
            context.say(f"removed {removed} images")
    if cache:
        _require_unused(context.cache)
        _remove(context.cache)
        context.say(f"removed {context.cache}")
    return ExitCode.OK


def _require_unused(cache: Path) -> None:
    if (cache / "engine").is_dir() and (pid := find_dockerd(folders_for(cache))):
        raise InfrastructureError(
            f"the engine in {cache} is in use (dockerd, process {pid})", hint="Wait for the runs that use it to end."
        )
    if at_work := holders("cpu", folder=cache / "leases"):
        raise InfrastructureError(f"the cache {cache} is in use: {at_work[0]}", hint="Wait for it to end.")


def _remove(cache: Path) -> None:
    try:
        for name in OURS:
            if (cache / name).exists():
                shutil.rmtree(cache / name)
    except OSError as error:
        raise InfrastructureError(f"cannot remove the cache: {error}") from None
    with contextlib.suppress(OSError):  # other things lie there, or it is not there
        cache.rmdir()
