"""What a recipe declares: each case is a row. A case of a request shares the cell's server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bakehouse.engine.container import Finished
from bakehouse.model.cases import Case
from bakehouse.model.suite import Subject
from bakehouse.probes import cases

Note = Callable[[str], None]


def test_case(
    subject: Subject,
    case: Case,
    request: pytest.FixtureRequest,
    run_program: Callable[[tuple[str, ...]], Finished],
    note: Note,
) -> None:
    facts = cases.facts_of(subject)
    if case.exec:
        note(cases.runs(case, run_program, facts=facts))
        return
    server = request.getfixturevalue("server")
    note(cases.asks(case, url=server.url, folder=Path(subject.recipe_folder), facts=facts))
