"""Which worker of pytest-xdist runs which test: all of a cell on one.

Not `--dist loadgroup`: it writes into a test's id, which pytest 9.2 ignores, so that nothing is grouped any more and
nobody is told (pytest-xdist issue 1386). We know the cells anyway.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from bakehouse.suite.results import planned


class CellScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Scopes are cells."""

    def __init__(self, config: pytest.Config, log: Any, *, run_folder: Path) -> None:
        super().__init__(config, log)
        self._run_folder = run_folder
        self._cells: dict[str, str] = {}

    def _split_scope(self, nodeid: str) -> str:
        # Workers write what they collect before they report it, so it is there when the first test is placed.
        if not self._cells:
            self._cells = {test.node: test.cell for test in planned(self._run_folder)}
        return self._cells.get(nodeid, nodeid)
