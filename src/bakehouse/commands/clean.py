"""`clean`: remove what runs left: containers, images, and with --cache everything in the cache folder."""

from __future__ import annotations

import shutil

from bakehouse.commands.context import Context, open_engine
from bakehouse.engine.docker import Docker
from bakehouse.engine.reaper import reap
from bakehouse.errors import ExitCode, InfrastructureError


def clean(context: Context, *, images: bool, cache: bool) -> ExitCode:
    """Reports stay: they are results. Raises InfrastructureError while the embedded engine is in use."""
    with open_engine(context, install=False) as engine:
        reap(engine, say=context.say)
        if images:
            removed = Docker(engine).remove_images("bakehouse/*")
            context.say(f"removed {removed} images")
    if cache and context.cache.exists():
        try:
            shutil.rmtree(context.cache)
        except OSError as error:
            raise InfrastructureError(
                f"cannot remove the cache: {error}", hint="Is an engine still running in it?"
            ) from None
        context.say(f"removed {context.cache}")
    return ExitCode.OK
