"""The checks of a web page, against pages that are wrong in one way each."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bakehouse.probes import ProbeFailed, web_ui

Files = dict[str, tuple[str, bytes]]

PAGE = b'<html><link href="./a.css" rel="stylesheet"><script src="a.js"></script><a href="https://elsewhere.org">x</a>'
GOOD: Files = {
    "/": ("text/html; charset=utf-8", PAGE),
    "/a.css": ("text/css", b"p { background: url(data:image/png;base64,AAAA) }"),
    "/a.js": ("application/javascript", b'open("https://elsewhere.org")'),
}


class Site(ThreadingHTTPServer):
    """Serves its files compressed, as llama-server does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = dict(GOOD)
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        kind, body = self.server.files.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Encoding", "gzip")
        sent = body if kind.endswith("broken") else gzip.compress(body)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def test_a_whole_page_is_read_to_the_last_file_as_it_travels(site: Site) -> None:
    parts = web_ui.serves_page(site.url)
    assert [part.url.removeprefix(site.url) for part in parts] == ["/", "/a.css", "/a.js"]
    assert parts[0].bytes_sent == len(gzip.compress(PAGE))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"/a.js": ("", b"")}, "/a.js answered 404"),
        ({"/": ("", b"")}, "/ answered 404"),
        ({"/": ("application/json", b"{}")}, "/ is application/json; a web page is text/html"),
        ({"/": ("text/html", b"<html></html>")}, "the page names no script"),
        ({"/": ("text/html; broken", b"<html>")}, "/ is no gzip, which its header promises"),
        (
            {"/": ("text/html", PAGE + b'<script src="//cdn.example/x.js"></script>')},
            "/ makes a browser ask http://cdn.example/x.js",
        ),
        (
            {"/a.css": ("text/css", b'@import "https://fonts.example/f.css"; p { color: red }')},
            "/a.css makes a browser ask https://fonts.example/f.css",
        ),
        (
            {"/a.css": ("text/css", b"@font-face { src: url( 'https://fonts.example/f.woff2' ) }")},
            "/a.css makes a browser ask https://fonts.example/f.woff2",
        ),
    ],
)
def test_a_page_that_is_wrong(site: Site, change: Files, message: str) -> None:
    site.files |= change
    with pytest.raises(ProbeFailed, match="^" + message.replace("/", r"\/").replace("?", r"\?")):
        web_ui.serves_page(site.url)


def test_a_server_without_a_page(site: Site) -> None:
    with pytest.raises(ProbeFailed, match="answered 200 instead of 404"):
        web_ui.serves_no_page(site.url)
    site.files.clear()
    web_ui.serves_no_page(site.url)


def test_an_error_that_comes_late() -> None:
    page = FakePage(shows=ANSWERS, breaks_when_typed_into="TypeError: x")
    with pytest.raises(ProbeFailed, match="works, but not without errors:\nTypeError: x"):
        web_ui.works(page, "http://h", question="Where?")


@dataclass(kw_only=True)
class FakePage:
    """A page in a browser that says what it was told to."""

    shows: dict[str, Any]
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    typed: str = ""

    cannot: str = ""
    breaks_when_typed_into: str = ""

    def open(self, url: str) -> str:
        self.requests.append(url)
        return self.cannot

    def wait(self, expression: str, *, timeout: float) -> Any:
        assert timeout > 0
        return self.shows.get(expression, False)

    def evaluate(self, expression: str) -> Any:
        return self.shows.get(expression)

    def type(self, text: str) -> None:
        self.typed = text
        self.problems += [self.breaks_when_typed_into] if self.breaks_when_typed_into else []


FIELD_IS_THERE = {f"{web_ui.FIELD}?.checkVisibility()": True}
ANSWERS = FIELD_IS_THERE | {web_ui.ANSWERED: "Paris"}


def test_a_page_that_works() -> None:
    page = FakePage(shows=ANSWERS)
    assert web_ui.works(page, "http://h", question="Where?") == "Paris"
    assert page.typed == "Where?"
    assert page.requests == ["http://h/"]


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (FakePage(shows={}, cannot="net::ERR_CONNECTION_REFUSED"), "cannot open the page: net::ERR_CONNECTION_REFUSED"),
        (FakePage(shows={}, problems=["TypeError: x"]), "does not load without errors:\nTypeError: x"),
        (FakePage(shows={}), "no field to type into after 60 s:\n(the browser reports no error)"),
        (FakePage(shows=FIELD_IS_THERE), "no answer appeared within 120 s"),
        (FakePage(shows=ANSWERS, foreign=["https://cdn.example/x"]), "asks other machines: https://cdn.example/x"),
    ],
)
def test_a_page_that_does_not_work(page: FakePage, message: str) -> None:
    with pytest.raises(ProbeFailed) as caught:
        web_ui.works(page, "http://h", question="Where?")
    assert message in str(caught.value)
