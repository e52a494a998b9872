"""The server's own web page is in the image, whole, and works in a browser on a machine without internet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bakehouse.model.suite import Subject
from bakehouse.probes import web_ui
from bakehouse.suite.session import Server
from bakehouse.system import browser

Note = Callable[[str], None]

MEBIBYTE = 2**20
QUESTION = "What is the capital of France?"


def test_is_served_as_the_recipe_says(subject: Subject, server: Server, note: Note) -> None:
    if not subject.web_ui:
        web_ui.serves_no_page(server.url)
        note("the recipe leaves the page out")
        return
    parts = web_ui.serves_page(server.url)
    note(f"{len(parts)} files, {sum(part.bytes_sent for part in parts) / MEBIBYTE:.1f} MiB compressed")


def test_works_in_a_browser(subject: Subject, server: Server, note: Note) -> None:
    if not subject.web_ui:
        pytest.skip("the recipe leaves the page out")
    program = browser.find()
    if program is None:
        pytest.skip(f"no browser on the PATH: none of {', '.join(browser.PROGRAMS)}")
    with browser.opened(program) as page:
        said = web_ui.works(page, server.url, question=QUESTION)
    note(f"asked {QUESTION!r}, the page began to show {said!r}")
