"""What is sent to a server, and what comes back: bytes with their times, not yet parsed. Times are seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bakehouse.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int
    key: str | None = None
    """What is sent as `Authorization: Bearer ...`."""

    @classmethod
    def of(cls, url: str, *, key: str | None = None) -> Address:
        """Take `http://HOST:PORT` apart. Raises InputError: encryption would be measured along with the server."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise InputError(
                f"{url} cannot be measured: only http:// can",
                hint="Measure the server itself, without encryption between it and the client.",
            )
        return cls(host=parts.hostname, port=parts.port or 80, key=key)

    def post(self, path: str, body: bytes) -> bytes:
        """Ask for a streamed answer."""
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        headers |= {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return self.request("POST", path, body, headers=headers)

    def request(self, method: str, path: str, body: bytes, *, headers: Mapping[str, str]) -> bytes:
        """A whole request. The server closes the connection, so that no answer can run into the next."""
        said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return (
            f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{said}"
            f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """One request, ready to be sent."""

    data: bytes
    due: float = 0.0
    """Seconds after the begin of the run before which it is not sent."""


@dataclass(kw_only=True, slots=True)
class Exchange:
    """One request and the bytes that came back."""

    due: float
    """When it should have been sent."""
    sent: float = 0.0
    """Just before its first byte was sent; 0: it was not."""
    reads: list[tuple[float, bytes]] = field(default_factory=list)
    broken: str = ""
    """What went wrong with the connection; empty when the server ended it."""
