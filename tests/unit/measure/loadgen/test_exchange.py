from __future__ import annotations

import pytest

from bakehouse.errors import InputError
from bakehouse.measure.loadgen.exchange import Address


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "127.0.0.1:8080", "http://"])
def test_only_plain_http_is_measured(url: str) -> None:
    with pytest.raises(InputError, match="cannot be measured: only http:// can"):
        Address.of(url)


def test_a_request_asks_for_a_connection_of_its_own() -> None:
    head, _, body = Address.of("http://localhost:8080").post("/completion", b"{}").partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /completion HTTP/1.1"
    assert {b"Host: localhost:8080", b"Connection: close", b"Content-Length: 2"} <= set(lines)
    assert body == b"{}"
