"""The engine that a command works with."""

from __future__ import annotations

from contextlib import AbstractContextManager

from bakehouse.config.layout import ENGINE_SETTINGS, ProjectLayout
from bakehouse.engine.connect import connect
from bakehouse.engine.connection import Engine
from bakehouse.pipeline.context import Context


def open_engine(context: Context, *, install: bool) -> AbstractContextManager[Engine]:
    """The engine of this machine, or the embedded one with the project's settings."""
    return connect(
        cache=context.cache,
        environ=context.environ,
        say=context.say,
        allow_install=install,
        settings=ProjectLayout(root=context.root).find(ENGINE_SETTINGS),
    )
