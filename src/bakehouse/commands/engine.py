"""`engine`: run a program with the engine that runs use. The embedded engine runs as long as a process uses it."""

from __future__ import annotations

from collections.abc import Sequence

from bakehouse.pipeline.context import Context
from bakehouse.pipeline.engine import open_engine
from bakehouse.system import process


def use_engine(context: Context, program: Sequence[str]) -> int:
    """Returns the program's own exit code. Without a program: the user's shell."""
    command = list(program) or [context.environ.get("SHELL", "/bin/sh")]
    with open_engine(context, install=False) as engine:
        return process.attend(command, env=engine.environment())
