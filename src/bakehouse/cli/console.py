"""Where words go: stderr for people, stdout for what was asked for."""

from __future__ import annotations

import os

from rich.console import Console


class Output(Console):
    """A terminal that may go away. Its reader has what it wanted; we carry on, and write to nobody."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())
