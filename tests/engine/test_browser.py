"""A real Chromium tells what a page does. Skipped where none is installed."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bakehouse.errors import InfrastructureError
from bakehouse.system import browser, daemon

PAGE = """<!doctype html><title>Try</title><link rel="icon" href="data:,"><textarea></textarea><p></p>
<script>
  document.querySelector('textarea').addEventListener('keydown', (event) => {
    if (event.key === 'Enter') document.querySelector('p').innerText = `you said ${event.target.value}`;
  });
</script>
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def program(needs_chromium: None) -> Path:
    found = browser.find()
    assert found
    return found


def test_types_and_sees_what_comes_of_it(program: Path, site: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(PAGE)
    with browser.opened(program) as page:
        page.open(f"{site}/")
        assert page.wait("document.querySelector('textarea')?.checkVisibility()", timeout=20)
        page.evaluate("document.querySelector('textarea').focus()")
        page.type("hello")
        assert page.wait("document.querySelector('p').innerText", timeout=20) == "you said hello"
        assert (page.problems, page.requests, page.foreign) == ([], [f"{site}/"], [])


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("<script>nothing.at.all</script>", "ReferenceError: nothing is not defined"),
        ("<script>console.error('no', 'way')</script>", "console: no way"),
        ("<script src='/gone.js'></script>", "/gone.js answered 404"),
        ("<script>Promise.reject(new Error('late'))</script>", "Error: late"),
    ],
)
def test_hears_what_goes_wrong(program: Path, site: str, tmp_path: Path, wrong: str, problem: str) -> None:
    (tmp_path / "index.html").write_text(PAGE + wrong)
    with browser.opened(program) as page:
        page.open(f"{site}/")
        page.wait("document.readyState === 'complete'", timeout=20)
        hear_until(page, lambda: any(problem in said for said in page.problems))


def hear_until(page: browser.Page, condition: Callable[[], object]) -> None:
    """Let the page go on and tell what it does, however long it takes on a busy machine."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, page.problems
        page.evaluate("new Promise((done) => setTimeout(done, 100))")


def test_sees_requests_to_other_machines_and_lets_none_through(program: Path, site: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(PAGE + "<script>fetch('https://example.com/x').catch(() => 0)</script>")
    with browser.opened(program) as page:
        page.open(f"{site}/")
        assert page.wait("document.readyState === 'complete'", timeout=20)
        hear_until(page, lambda: page.foreign and page.problems)
        assert page.foreign == ["https://example.com/x"]
        assert page.problems == ["https://example.com/x: net::ERR_NAME_NOT_RESOLVED"]


def test_leaves_nothing_behind(
    program: Path, site: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path_factory.mktemp("t")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    (tmp_path / "index.html").write_text(PAGE)
    with browser.opened(program) as page:
        page.open(f"{site}/")
        (profile,) = temporary.iterdir()
    assert not list(temporary.iterdir())
    deadline = time.monotonic() + browser.HELPERS_GRACE
    while (left := _with(str(profile))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


def _with(text: str) -> list[Sequence[str]]:
    """Command lines that name it."""
    return [args for pid in _pids() if text in " ".join(args := daemon.command_line(pid))]


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def test_a_page_that_nobody_serves(program: Path) -> None:
    with browser.opened(program) as page:
        assert page.open("http://127.0.0.1:4999/") == "net::ERR_CONNECTION_REFUSED"


def test_a_browser_that_cannot_start(tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho 'no usable display' >&2\nexit 1\n")
    broken.chmod(0o755)
    with (
        pytest.raises(InfrastructureError, match="ended at once; it said:\nno usable display"),
        browser.opened(broken),
    ):
        pass
