"""A headless Chromium that opens a page, types into it, and reports what happened.

It is driven by the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/) over its WebSocket: messages
are JSON, and one object answers each call. The browser reaches loopback only: every other name fails to resolve, so a
page that needs the internet is seen to need it, also on a machine that has it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from bakehouse.errors import InfrastructureError
from bakehouse.system import daemon, process, signals

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

ARGUMENTS = (
    "--headless",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have a small /dev/shm
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--window-size=1280,900",
)

START_TIMEOUT = 60.0
CALL_TIMEOUT = 60.0
STOP_GRACE = 5.0
HELPERS_GRACE = 30.0
"""Until the browser's helpers have ended: a moment, on a machine that is not busy."""
BAD = 400
ASKED_BY_SCRIPTS = ("Fetch", "XHR")
"""Kinds of requests that a server may refuse: a script tries what there is. Parts of a page must not be refused."""
_POLL = 0.05
_OURS = ("127.0.0.1", "localhost")
_IN_THE_PAGE = ("data", "blob", "about", "chrome", "chrome-extension", "devtools")


def find() -> Path | None:
    """Look for a Chromium on the PATH."""
    return next((found for name in PROGRAMS if (found := process.find(name))), None)


@contextlib.contextmanager
def opened(program: Path) -> Iterator[Page]:
    """Start a browser with an empty profile and give its page; end both afterwards.

    Raises InfrastructureError when it does not start, or does not answer.
    """
    folder = Path(tempfile.mkdtemp(prefix="bakehouse-browser."))
    log = folder / "chromium.log"
    # A sandbox of its own needs a user who is not root.
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    arguments = (str(program), *ARGUMENTS, *sandbox, f"--user-data-dir={folder / 'profile'}", "about:blank")
    with signals.interrupts():
        pid = daemon.start(arguments, log=log)
        try:
            address = _address(folder / "profile" / "DevToolsActivePort", pid=pid, log=log)
            with connect(address, max_size=None, proxy=None) as socket:
                yield _attached(socket)
        except (ConnectionClosed, InvalidHandshake) as error:
            raise _lost(log, f"the browser went away: {error}") from error
        finally:
            daemon.stop(pid, grace=STOP_GRACE)
            _remove(folder)


@dataclass(kw_only=True)
class Page:
    """A page of the browser, and what it did since it was opened."""

    socket: ClientConnection
    session: str = ""
    requests: list[str] = field(default_factory=list)
    """URLs that it asked for, in order; not those that lie in the page itself (`data:`)."""
    problems: list[str] = field(default_factory=list)
    """Exceptions, errors on its console, and requests that failed."""
    _numbers: int = 0
    _urls: dict[str, str] = field(default_factory=dict)

    def open(self, url: str) -> str:
        """Go to a page, and note what it does in `requests` and `problems`. Returns why it could not, else nothing."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return str(self.call("Page.navigate", url=url).get("errorText", ""))

    def wait(self, expression: str, *, timeout: float) -> Any:
        """Evaluate an expression of JavaScript until it is true. Returns its last value, false when time is up."""
        deadline = time.monotonic() + timeout
        while not (value := self.evaluate(expression)) and time.monotonic() < deadline:
            time.sleep(_POLL)
        return value

    def evaluate(self, expression: str) -> Any:
        """Value of an expression, none where it raises."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return found.get("result", {}).get("value")

    def type(self, text: str) -> None:
        """Type into what has the focus, and press Enter."""
        self.call("Input.insertText", text=text)
        for kind in ("keyDown", "keyUp"):
            code = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
            self.call("Input.dispatchKeyEvent", type=kind, **code)

    @property
    def foreign(self) -> list[str]:
        """Requests that went, or would have gone, to other machines."""
        return [url for url in self.requests if urlsplit(url).hostname not in _OURS]

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method and hear meanwhile what the page does. Raises InfrastructureError when the browser refuses."""
        self._numbers += 1
        message = {"id": self._numbers, "method": method, "params": parameters}
        self.socket.send(json.dumps(message | ({"sessionId": self.session} if self.session else {})))
        deadline = time.monotonic() + CALL_TIMEOUT
        while True:
            try:
                heard = json.loads(self.socket.recv(timeout=max(0.0, deadline - time.monotonic())))
            except TimeoutError:
                raise InfrastructureError(f"the browser does not answer {method}") from None
            if heard.get("id") == self._numbers:
                if "error" in heard:
                    raise InfrastructureError(f"the browser refuses {method}: {heard['error'].get('message')}")
                return dict(heard["result"])
            if heard.get("sessionId") == self.session:
                self._hear(heard.get("method", ""), heard.get("params", {}))

    def _hear(self, method: str, said: dict[str, Any]) -> None:
        match method:
            case "Network.requestWillBeSent":
                url = said["request"]["url"]
                self._urls[said["requestId"]] = url
                if urlsplit(url).scheme not in _IN_THE_PAGE:
                    self.requests.append(url)
            case "Network.webSocketCreated":
                self.requests.append(said["url"])
            case "Network.responseReceived" if (
                said["response"]["status"] >= BAD and said["type"] not in ASKED_BY_SCRIPTS
            ):
                self.problems.append(f"{said['response']['url']} answered {said['response']['status']}")
            case "Network.loadingFailed" if not said.get("canceled"):
                self.problems.append(f"{self._urls.get(said['requestId'], 'a request')}: {said['errorText']}")
            case "Runtime.exceptionThrown":
                thrown = said["exceptionDetails"]
                self.problems.append(thrown.get("exception", {}).get("description") or thrown["text"])
            case "Runtime.consoleAPICalled" if said["type"] in ("error", "assert"):
                parts = [str(part.get("value", part.get("description", ""))) for part in said["args"]]
                self.problems.append(f"console: {' '.join(parts)}")
            case "Log.entryAdded" if said["entry"]["level"] == "error" and said["entry"]["source"] != "network":
                self.problems.append(f"{said['entry']['source']}: {said['entry']['text']}")
            case _:
                pass


def _address(port_file: Path, *, pid: int, log: Path) -> str:
    """Wait until the browser has written where it listens."""
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        with contextlib.suppress(OSError, ValueError):
            port, path = port_file.read_text(encoding="ascii").split()
            return f"ws://127.0.0.1:{port}{path}"
        if not daemon.alive(pid):
            raise _lost(log, "the browser ended at once")
        if time.monotonic() > deadline:
            raise _lost(log, f"the browser does not listen after {START_TIMEOUT:g} s")
        time.sleep(_POLL)


def _attached(socket: ClientConnection) -> Page:
    whole = Page(socket=socket)
    target = whole.call("Target.createTarget", url="about:blank")["targetId"]
    return Page(socket=socket, session=whole.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])


def _remove(folder: Path) -> None:
    """Remove the profile. The browser's helpers end a moment after it, and write until then."""
    deadline = time.monotonic() + HELPERS_GRACE
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(_POLL)


def _lost(log: Path, what: str) -> InfrastructureError:
    said = process.last_lines(log.read_text(encoding="utf-8", errors="replace"), 5) if log.exists() else ""
    return InfrastructureError(f"{what}; it said:\n{said or '(nothing)'}")
