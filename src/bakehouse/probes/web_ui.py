"""The image's own web page: served whole, asks no other machine, and works in a browser."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import requests

from bakehouse.probes import ProbeFailed

READY = 200
NOT_FOUND = 404
_ANSWER = 10.0
_MOST_PROBLEMS = 5
_FETCHED_BY_CSS = re.compile(r"(?:\burl\(|@import)\s*[\"']?([^\"')\s;]+)")

FIELD = "document.querySelector('textarea')"
"""Where a person types; the page has one."""
ANSWERED = "document.querySelector('[aria-label^=\"Assistant message\"] .markdown-content')?.innerText?.trim()"
"""What the model answered so far (at revision 0c1e57098)."""

LOAD_TIMEOUT = 60.0
ANSWER_TIMEOUT = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A file of the page."""

    url: str
    content_type: str
    bytes_sent: int
    """As it travelled, compressed."""
    text: str


class Browsed(Protocol):
    """What a probe needs of a page in a browser."""

    requests: list[str]
    problems: list[str]

    @property
    def foreign(self) -> list[str]: ...

    def open(self, url: str) -> str: ...

    def wait(self, expression: str, *, timeout: float) -> Any: ...

    def evaluate(self, expression: str) -> Any: ...

    def type(self, text: str) -> None: ...


def serves_page(url: str) -> list[Part]:
    """Fetch the page, and the scripts, styles and icons that it names, in that order.

    Raises ProbeFailed when one is missing, or lies on another machine.
    """
    with requests.Session() as session:
        page = _part(session, f"{url}/")
        if not page.content_type.startswith("text/html"):
            raise ProbeFailed(f"/ is {page.content_type or 'of no type'}; a web page is text/html")
        stays_here(page, url)
        named = _named(page)
        if not any(urlsplit(part).path.endswith(".js") for part in named):
            raise ProbeFailed("the page names no script; it cannot do anything")
        parts = [page, *(_part(session, part) for part in named)]
    for part in parts[1:]:
        stays_here(part, url)
    return parts


def serves_no_page(url: str) -> None:
    """Prove that a recipe that leaves the page out has none."""
    status = requests.get(f"{url}/", headers={"Accept-Encoding": "gzip"}, timeout=_ANSWER).status_code
    if status != NOT_FOUND:
        raise ProbeFailed(f"the recipe leaves the web page out, and / answered {status} instead of {NOT_FOUND}")


def stays_here(part: Part, url: str) -> None:
    """Prove that a page or a style sheet names nothing that a browser would fetch from another machine.

    What a script asks for is only seen in a browser; its text is full of addresses that are mere links.
    """
    home = urlsplit(url).netloc
    fetched = []
    if part.content_type.startswith("text/html"):
        fetched = _named(part)
    elif part.content_type.startswith("text/css"):
        fetched = [urljoin(part.url, found) for found in _FETCHED_BY_CSS.findall(part.text)]
    foreign = {found for found in fetched if urlsplit(found).netloc not in ("", home)}
    if foreign:
        raise ProbeFailed(
            f"{urlsplit(part.url).path} makes a browser ask {', '.join(sorted(foreign))}",
            hint="On a closed network the page would not work, and elsewhere it would tell others who uses it.",
        )


def works(page: Browsed, url: str, *, question: str) -> str:
    """Open it in a browser, type a question and wait for an answer. Returns what the model said.

    Raises ProbeFailed when a script fails, a file is missing, no field to type into appears, no answer comes, or the
    page asks another machine for anything.
    """
    if why := page.open(f"{url}/"):
        raise ProbeFailed(f"the browser cannot open the page: {why}")
    page.wait("document.readyState === 'complete'", timeout=LOAD_TIMEOUT)
    if page.problems:
        raise _broken(page, "the page does not load without errors")
    if not page.wait(f"{FIELD}?.checkVisibility()", timeout=LOAD_TIMEOUT):
        raise _broken(page, f"the page shows no field to type into after {LOAD_TIMEOUT:g} s")
    page.evaluate(f"{FIELD}.focus()")
    page.type(question)
    said = page.wait(ANSWERED, timeout=ANSWER_TIMEOUT)
    if not said:
        raise _broken(page, f"asked {question!r} in the page, no answer appeared within {ANSWER_TIMEOUT:g} s")
    if page.problems:
        raise _broken(page, "the page works, but not without errors")
    if page.foreign:
        raise ProbeFailed(f"the page asks other machines: {', '.join(page.foreign)}")
    return str(said)


def _broken(page: Browsed, what: str) -> ProbeFailed:
    problems = "\n".join(page.problems[:_MOST_PROBLEMS]) or "(the browser reports no error)"
    return ProbeFailed(f"{what}:\n{problems}")


def _part(session: requests.Session, url: str) -> Part:
    """Browsers accept gzip, and some servers have the page in no other form."""
    path = urlsplit(url).path
    try:
        with session.get(url, headers={"Accept-Encoding": "gzip"}, timeout=_ANSWER, stream=True) as response:
            sent: bytes = response.raw.read(decode_content=False)
    except (requests.RequestException, OSError) as error:
        raise ProbeFailed(f"{path}: {error}") from error
    if response.status_code != READY:
        hint = "The page, or a part of it, is not in the server: look at the stage host-with-page."
        raise ProbeFailed(f"{path} answered {response.status_code}", hint=hint)
    try:
        body = gzip.decompress(sent) if response.headers.get("Content-Encoding") == "gzip" else sent
    except (OSError, EOFError, zlib.error) as error:
        raise ProbeFailed(f"{path} is no gzip, which its header promises: {error}") from error
    content_type = response.headers.get("Content-Type", "")
    return Part(url=url, content_type=content_type, bytes_sent=len(sent), text=body.decode("utf-8", errors="replace"))


def _named(part: Part) -> list[str]:
    """URLs that a browser fetches for a page by itself; an `<a>` is fetched by a person."""
    reader = _Reader()
    reader.feed(part.text)
    return [urljoin(part.url, found) for found in dict.fromkeys(reader.found)]


_FETCHED_BY_HTML = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs).get(_FETCHED_BY_HTML.get(tag, ""))
        if named and not named.startswith("data:"):
            self.found.append(named)
