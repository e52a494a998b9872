from __future__ import annotations

import pytest

from bakehouse.errors import InputError
from bakehouse.registry.location import is_loopback, parse

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "kind", "host", "path", "reference"),
    [
        ("ghcr.io/me/x", "registry", "ghcr.io", "me/x", ""),
        ("ghcr.io/me/x:nightly", "registry", "ghcr.io", "me/x", "nightly"),
        (f"ghcr.io/me/x:nightly@{DIGEST}", "registry", "ghcr.io", "me/x", DIGEST),
        ("localhost:5000/x", "registry", "localhost:5000", "x", ""),
        ("localhost/x", "registry", "localhost", "x", ""),
        ("[::1]:5000/x:v1", "registry", "[::1]:5000", "x", "v1"),
        ("debian", "registry", "docker.io", "library/debian", ""),
        ("me/x:1", "registry", "docker.io", "me/x", "1"),
        ("oci:out", "oci", "", "out", ""),
        ("oci:/a/b:v1", "oci", "", "/a/b", "v1"),
        (f"oci:out@{DIGEST}", "oci", "", "out", DIGEST),
        ("oci-archive:out.tar:v1", "oci-archive", "", "out.tar", "v1"),
    ],
)
def test_places(text: str, kind: str, host: str, path: str, reference: str) -> None:
    found = parse(text)
    assert (found.kind, found.host, found.path, found.reference) == (kind, host, path, reference)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "oci:",
        "https://ghcr.io/me/x",
        "me:password@ghcr.io/x",
        "ghcr.io/Me/x",
        "ghcr.io/me/x@sha256:12",
        "a b",
        "-x",
    ],
)
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(InputError, match="names no place"):
        parse(text)


def test_a_place_is_shown_as_it_is_written() -> None:
    for text in ("ghcr.io/me/x:nightly", f"ghcr.io/me/x@{DIGEST}", "oci:out:v1"):
        assert str(parse(text)) == text


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:80", "127.1.2.3", "[::1]:5000"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["ghcr.io", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1:5000"])
def test_elsewhere(host: str) -> None:
    assert not is_loopback(host)
