"""A web server on the loopback that can misbehave, and makers of archives and programs."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import socket
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bakehouse.system.patience import Patience


@dataclass(kw_only=True)
class Page:
    """What the server has at one path, and how it misbehaves."""

    body: bytes
    etag: str | None = '"1"'
    kind: str = "application/octet-stream"
    ranges: bool = True
    statuses: list[int] = field(default_factory=list)
    """Answers before the body is ever sent."""
    cuts: list[int] = field(default_factory=list)
    """Bytes of a body after which the connection breaks, answer by answer."""
    stalls: int = 0
    """Answers that end in silence instead of the last byte."""
    retry_after: str | None = None
    requests: list[dict[str, str]] = field(default_factory=list)
    """Headers of the requests that came, in lower case."""


class WebServer:
    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.quiet = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self.quiet.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def url(self, path: str, *, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self._http.server_address[1]}{path}"

    def put(self, path: str, page: Page | bytes) -> Page:
        self.pages[path] = page if isinstance(page, Page) else Page(body=page)
        return self.pages[path]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        page = self.pages.get(request.path.partition("?")[0])
        if page is None:
            request.send_error(404)
            return
        page.requests.append({key.lower(): value for key, value in request.headers.items()})
        if page.statuses:
            request.send_response(page.statuses.pop(0))
            if page.retry_after:
                request.send_header("Retry-After", page.retry_after)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        self._send(request, page)

    def _send(self, request: BaseHTTPRequestHandler, page: Page) -> None:
        first = self._first_byte(request, page)
        if first is not None and first >= len(page.body):
            request.send_error(416)
            return
        body = page.body[first or 0 :]
        request.send_response(200 if first is None else 206)
        request.send_header("Content-Type", page.kind)
        request.send_header("Content-Length", str(len(body)))
        if first is not None:
            request.send_header("Content-Range", f"bytes {first}-{len(page.body) - 1}/{len(page.body)}")
        if page.etag:
            request.send_header("ETag", page.etag)
        request.end_headers()
        with contextlib.suppress(ConnectionError):
            if page.stalls:
                page.stalls -= 1
                request.wfile.write(body[:-1])
                request.wfile.flush()
                self.quiet.wait(2)
                return
            cut = page.cuts.pop(0) if page.cuts else len(body)
            request.wfile.write(body[:cut])
            request.wfile.flush()
        if cut < len(body):
            request.close_connection = True
            with contextlib.suppress(OSError):
                request.connection.shutdown(socket.SHUT_RDWR)

    def _first_byte(self, request: BaseHTTPRequestHandler, page: Page) -> int | None:
        asked = request.headers.get("Range")
        condition = request.headers.get("If-Range")
        if not asked or not page.ranges or (condition and condition != page.etag):
            return None
        return int(asked.removeprefix("bytes=").rstrip("-"))


@pytest.fixture(scope="session")
def shared_web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def web(shared_web: WebServer) -> WebServer:
    shared_web.pages.clear()
    return shared_web


@pytest.fixture
def pauses() -> list[float]:
    """Seconds that the code wanted to sleep."""
    return []


@pytest.fixture
def patience(pauses: list[float]) -> Patience:
    return Patience(connect=2.0, stall=0.2, attempts=3, pause=0.5, sleep=pauses.append)


def tar_of(files: Mapping[str, str]) -> bytes:
    """A .tar.gz. A name that ends in `*` becomes a program, a text that begins with `->` a link, `=>` a hard one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.rstrip("*"))
            entry.mode = 0o755 if name.endswith("*") else 0o644
            if text.startswith(("->", "=>")):
                entry.type = tarfile.SYMTYPE if text.startswith("->") else tarfile.LNKTYPE
                entry.linkname = text[2:]
                tar.addfile(entry)
            else:
                entry.size = len(text.encode())
                tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def wheel_of(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name.rstrip("*"))
            entry.external_attr = (0o755 if name.endswith("*") else 0o644) << 16
            bundle.writestr(entry, content)
    return buffer.getvalue()


class Index:
    """A package index of the simple API on the web server."""

    def __init__(self, web: WebServer, *, root: str = "/simple", html: bool = False) -> None:
        self.web, self.root, self.html = web, root, html
        self.files: dict[str, dict[str, str]] = {}

    @property
    def environ(self) -> dict[str, str]:
        """pip's settings that lead here and nowhere else."""
        return {"PIP_INDEX_URL": self.web.url(self.root), "PIP_CONFIG_FILE": os.devnull}

    def add(self, project: str, file: str, content: bytes, *, sha256: str | None = None) -> Page:
        digest = sha256 or hashlib.sha256(content).hexdigest()
        self.files.setdefault(project, {})[file] = digest
        self.web.put(f"{self.root}/{project}/", self._page(project))
        return self.web.put(f"/files/{file}", content)

    def _page(self, project: str) -> Page:
        rows = self.files[project].items()
        if self.html:
            links = "".join(f'<a href="/files/{file}#sha256={digest}">{file}</a>' for file, digest in rows)
            return Page(body=f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), kind="text/html")
        files = ",".join(
            f'{{"filename": "{file}", "url": "/files/{file}", "hashes": {{"sha256": "{digest}"}}}}'
            for file, digest in rows
        )
        text = f'{{"meta": {{"api-version": "1.0"}}, "name": "{project}", "files": [{files}]}}'
        return Page(body=text.encode(), kind="application/vnd.pypi.simple.v1+json")


@pytest.fixture
def index(web: WebServer) -> Index:
    return Index(web)


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Stand-ins for programs, in a folder that comes first on a PATH."""

    folder: Path

    @property
    def path(self) -> str:
        return f"{self.folder}:/usr/bin:/bin"

    def add(self, name: str, script: str) -> None:
        file = self.folder / name
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)

    def calls(self, name: str) -> list[str]:
        """Arguments, a line each, of all calls of a program that writes them with `record`."""
        log = self.folder / f"{name}.log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def record(self, name: str) -> str:
        return f"printf '%s\\n' \"$@\" >> '{self.folder / name}.log'"

    def add_mmdebstrap(self) -> None:
        """One that writes a root file system with two packages."""
        status = (
            "Package: libc6\nStatus: install ok installed\nVersion: 2.41-12\n\n"
            "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
            "Package: apt\nStatus: install ok installed\nVersion: 3.0.3\nDescription: x\n more: y\n"
        )
        (self.folder / "rootfs").write_bytes(tar_of({"./etc/hosts": "x", "./var/lib/dpkg/status": status}))
        copy = f"""for a in "$@"; do case "$a" in */rootfs.tar) cp '{self.folder}/rootfs' "$a";; esac; done"""
        epoch = f"echo epoch=$SOURCE_DATE_EPOCH >> '{self.folder}/mmdebstrap.log'"
        self.add("mmdebstrap", "\n".join((self.record("mmdebstrap"), epoch, copy)))


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    folder = tmp_path / "programs"
    folder.mkdir()
    return Programs(folder=folder)
