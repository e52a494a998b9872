"""What people call a place for images: `ghcr.io/me/server:nightly`, `oci:out`, `oci-archive:out.tar`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bakehouse.errors import InputError

DOCKER_HUB = "docker.io"
_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
_PATH = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"
_NAME = re.compile(rf"(?:(?P<host>{_HOST})/)?(?P<path>{_PATH})(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?")
_LAYOUT = re.compile(r"(?P<kind>oci|oci-archive):(?P<path>[^\0]+?)(?:@(?P<digest>sha256:[0-9a-f]{64}))?")
_HINT = "Write it like ghcr.io/me/server, ghcr.io/me/server:nightly, oci:FOLDER or oci-archive:FILE.tar."
LONGEST_PATH = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """A repository, and perhaps one image in it."""

    kind: Literal["registry", "oci", "oci-archive"]
    host: str = ""
    """Of a registry, with its port."""
    path: str
    """The repository, or the folder or file."""
    reference: str = ""
    """A digest where one was given, else a tag; empty: the repository."""

    @property
    def name(self) -> str:
        """Without the reference."""
        return f"{self.host}/{self.path}" if self.kind == "registry" else f"{self.kind}:{self.path}"

    def __str__(self) -> str:
        if not self.reference:
            return self.name
        return f"{self.name}{'@' if self.reference.startswith('sha256:') else ':'}{self.reference}"


def parse(text: str) -> Location:
    """Raises InputError."""
    if found := _LAYOUT.fullmatch(text):
        return _layout(found["kind"], found["path"], found["digest"])
    found = _NAME.fullmatch(text)
    if not found:
        raise InputError(f"{text!r} names no place for images", hint=_HINT)
    host, path = found["host"] or "", found["path"]
    if host and not ("." in host or ":" in host or host == "localhost"):
        host, path = "", f"{host}/{path}"
    if not host or host in _HUB_HOSTS:
        host, path = DOCKER_HUB, path if "/" in path else f"library/{path}"
    if len(path) > LONGEST_PATH:
        raise InputError(f"{text!r}: the repository's name has more than {LONGEST_PATH} characters")
    return Location(kind="registry", host=host, path=path, reference=found["digest"] or found["tag"] or "")


def _layout(kind: str, rest: str, digest: str | None) -> Location:
    """`oci:folder:tag`: as skopeo writes it. A digest follows `@`."""
    path, tag = rest, ""
    head, colon, tail = rest.rpartition(":")
    if colon and re.fullmatch(_TAG, tail) and head:
        path, tag = head, tail
    return Location(kind="oci" if kind == "oci" else "oci-archive", path=path, reference=digest or tag)


def is_loopback(host: str) -> bool:
    """Whether a host, with or without its port, is this machine: it is spoken to without TLS, as Docker does."""
    name = host.rpartition("]")[0].strip("[") if host.startswith("[") else host.partition(":")[0]
    return name in ("localhost", "::1") or bool(re.fullmatch(r"127(?:\.[0-9]{1,3}){3}", name))
