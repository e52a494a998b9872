"""One file from the network: resumed where it broke off, verified, and never half-written under its final name."""

from __future__ import annotations

import contextlib
import errno
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock
import requests

from bakehouse.errors import InfrastructureError, SupplyError
from bakehouse.formatting import flow
from bakehouse.supply.checksum import sha256_of
from bakehouse.supply.web import PATIENCE, TransientError, network_errors, public, refusal
from bakehouse.system import atomic_write
from bakehouse.system.patience import Patience

Progress = Callable[[int, int | None], None]
"""Called with bytes we have and bytes there will be (None: unknown), at least once a second while there is life.

It may raise to stop the download; what has arrived is kept for the next run.
"""

CHUNK = 1 << 18
OK, PARTIAL, RANGE_NOT_SATISFIABLE = 200, 206, 416
NEWS_EVERY = 0.5
LOCK_NEWS_EVERY = 0.2


def download(
    url: str,
    *,
    to: Path,
    sha256: str | None,
    size: int | None,
    session: requests.Session,
    progress: Progress,
    patience: Patience = PATIENCE,
    headers: dict[str, str] | None = None,
) -> Path:
    """Bring `url` to the file `to`, unless it is there already. `size` is in bytes.

    `to` must be a name that only this content can have (its folder is named after the sha256 or the address), since a
    file that has that name and the right size was verified before it got it. Two runs share one download: the second
    waits. Raises SupplyError.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    with _locked(to.with_name(f"{to.name}.lock"), progress=progress, size=size):
        if to.is_file() and size in (None, to.stat().st_size):
            return to
        part = _Part(to.with_name(f"{to.name}.part"), url=url)
        transfer = _Transfer(
            url=url,
            part=part,
            sha256=sha256,
            size=size,
            session=session,
            progress=progress,
            patience=patience,
            headers=headers or {},
        )
        resumed = transfer.run()
        try:
            _verify(part, url=url, sha256=sha256, size=size)
        except SupplyError:
            part.discard()
            if not resumed:
                raise
            transfer.run()  # the old part may have been the bad one, so once more from the first byte
            _verify(part, url=url, sha256=sha256, size=size)
        part.become(to)
    return to


class _Part:
    """What has arrived so far, and which version of the file on the server it belongs to."""

    def __init__(self, path: Path, *, url: str) -> None:
        self.path = path
        self._note = path.with_name(f"{path.name}.json")
        self._url = url

    @property
    def bytes(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return self.path.stat().st_size
        return 0

    @property
    def validator(self) -> str | None:
        """Strong ETag or date that the server gave when these bytes came; only valid for the same address."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return str(note["validator"]) if note["url"] == self._url and note["validator"] else None
        return None

    def start(self, response: requests.Response) -> None:
        etag = response.headers.get("ETag", "")
        validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")
        self.discard()
        atomic_write.write(self._note, json.dumps({"url": self._url, "validator": validator}))

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def become(self, to: Path) -> None:
        self.path.replace(to)
        self._note.unlink(missing_ok=True)


@dataclass(kw_only=True, slots=True)
class _Transfer:
    """Requests until all bytes of one address are in `part`."""

    url: str
    part: _Part
    sha256: str | None
    size: int | None
    session: requests.Session
    progress: Progress
    patience: Patience
    headers: dict[str, str]

    def run(self) -> bool:
        """Whether bytes of an earlier run were used."""
        most = self.part.bytes
        resumed, fruitless = most > 0, 0
        while True:
            try:
                restarted = self._attempt()
            except TransientError as error:
                fruitless = 0 if self.part.bytes > most else fruitless + 1
                most = max(most, self.part.bytes)
                if fruitless >= (self.patience.attempts if error.reached or most else self.patience.unreached):
                    raise SupplyError(
                        f"gave up on {public(self.url)} after {fruitless} attempts: {error.message}",
                        hint="What has arrived is kept; the next run goes on from there." if self.part.bytes else None,
                    ) from error
                self.patience.rest(fruitless, asked=error.wait)
            else:
                return resumed and not restarted

    def _attempt(self) -> bool:
        """One request and its body. Whether it began at the first byte. Raises TransientError, SupplyError."""
        have = self.part.bytes
        if self.size is not None and have >= self.size:
            if have == self.size:
                return False
            self.part.discard()
            have = 0
        with network_errors(self.url), self._request(have) as response:
            match response.status_code:
                case code if code == PARTIAL and _starts_at(response) == have:
                    self._receive(response, have)
                    return have == 0
                case code if code == OK:
                    self.part.start(response)
                    self._receive(response, 0)
                    return True
                case code if code in (PARTIAL, RANGE_NOT_SATISFIABLE):
                    self.part.discard()
                    raise TransientError(f"the server sent another part than was asked for (status {code})")
                case _:
                    raise refusal(response, self.url)

    def _request(self, have: int) -> requests.Response:
        headers = {"Accept-Encoding": "identity", **self.headers}
        validator = self.part.validator
        if have and (validator or self.sha256):
            headers["Range"] = f"bytes={have}-"
            if validator:
                headers["If-Range"] = validator
        return self.session.get(self.url, headers=headers, stream=True, timeout=self.patience.timeout)

    def _receive(self, response: requests.Response, have: int) -> None:
        length = response.headers.get("Content-Length", "")
        expected = have + int(length) if re.fullmatch("[0-9]{1,18}", length) else None
        total = self.size if self.size is not None else expected
        if total is not None:
            self._check_space(total - have)
        self.progress(have, total)
        spoken = time.monotonic()
        try:
            with self.part.path.open("ab") as file:
                for chunk in response.raw.stream(CHUNK, decode_content=False):
                    file.write(chunk)
                    have += len(chunk)
                    if time.monotonic() - spoken > NEWS_EVERY:
                        self.progress(have, total)
                        spoken = time.monotonic()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._no_space((total or have) - have) from error
            raise
        if expected is not None and have < expected:
            raise TransientError(f"the connection ended after {have:,} of {expected:,} bytes")
        self.progress(have, total)

    def _check_space(self, needed: int) -> None:
        if needed > shutil.disk_usage(self.part.path.parent).free:
            raise self._no_space(needed)

    def _no_space(self, needed: int) -> SupplyError:
        folder = self.part.path.parent
        free = shutil.disk_usage(folder).free
        lack = f"{flow(max(needed, 1), 'B')} more needed in {folder}, {flow(free, 'B')} free"
        return SupplyError(
            f"no space for {public(self.url)}: {lack}",
            hint="Free some space, or put the cache on another disk.",
        )


def _verify(part: _Part, *, url: str, sha256: str | None, size: int | None) -> None:
    """Raises SupplyError, having deleted the part, when it is not what was promised."""
    got_size = part.bytes
    got = sha256_of(part.path) if sha256 and size in (None, got_size) else None
    problems = []
    if size not in (None, got_size):
        problems.append(f"expected {size:,} bytes, got {got_size:,}")
    if got is not None and got != sha256:
        problems.append(f"expected sha256 {sha256}, got {got}")
    if problems:
        part.discard()
        raise SupplyError(
            f"{public(url)} is not the file it should be: {'; '.join(problems)}",
            hint="The bad download was deleted. If the file was replaced on purpose, update its pinned hash.",
        )


def _starts_at(response: requests.Response) -> int | None:
    """First byte of a partial answer: 5 for `Content-Range: bytes 5-9/10`."""
    unit, _, span = response.headers.get("Content-Range", "").partition(" ")
    first = span.partition("-")[0]
    return int(first) if unit == "bytes" and re.fullmatch("[0-9]{1,18}", first) else None


@contextlib.contextmanager
def _locked(path: Path, *, progress: Progress, size: int | None) -> Iterator[None]:
    """Hold a file lock; while another run holds it, `progress` is called so that Ctrl-C gets through."""
    lock = filelock.FileLock(path)
    while True:
        try:
            lock.acquire(timeout=LOCK_NEWS_EVERY, poll_interval=0.05)
            break
        except filelock.Timeout:
            progress(0, size)
        except OSError as error:
            raise InfrastructureError(f"cannot lock {path}: {error}") from error
    try:
        yield
    finally:
        lock.release()
