"""Where words go: stderr for people, stdout for what was asked for."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bakehouse.formatting import keep_words_whole


class Output(Console):
    """A terminal or pipe that may be closed by its reader. Then we go on, and write nothing more."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich does it, but no word is ever broken or cut: names, paths and links can be copied, also from 80
        columns. A line is longer than the terminal then.
        """
        whole = objects if options.get("soft_wrap") else [self._with_whole_words(one, options) for one in objects]
        given: dict[str, Any] = {"crop": False} | options
        super().print(*whole, **given)

    def _with_whole_words(self, one: Any, options: dict[str, Any]) -> Any:
        """What rich would break in the middle of a word is wrapped here, and left alone there."""
        if isinstance(one, Table):
            keep_words_whole(one, width=self.width)
        if not isinstance(one, str | Text):
            return one
        how: dict[str, Any] = {key: options.get(key) for key in ("markup", "highlight")}
        text = self.render_str(one, **how) if isinstance(one, str) else one
        longest = max(map(len, text.plain.split()), default=0)
        if longest <= self.width:
            return one
        lines = Text("\n").join(text.wrap(self, longest))
        lines.no_wrap, lines.overflow = True, "ignore"
        return lines

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())
