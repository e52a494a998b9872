"""What a service does not do for a client, and why: a status of HTTP, in whatever way it is asked."""

from __future__ import annotations

from collections.abc import Mapping


class Refused(Exception):  # noqa: N818 - the client is wrong, not the service
    """A request that is not served: the status, and what is wrong with it."""

    def __init__(self, status_code: int, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status_code = status_code
        self.detail = detail
        self.headers = headers
