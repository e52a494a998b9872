"""Files that are as their publisher made them, by a list with their digests that came with them."""

from __future__ import annotations

import base64
import csv
import hashlib
import posixpath
import re
from collections.abc import Iterator
from functools import cached_property

from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.layer import Entry

_OF_WHEEL = ".dist-info/RECORD"
_OF_DEBIAN = re.compile(r"^/var/lib/dpkg/(info|status\.d)/[^/]+\.md5sums$")
_CHUNK = 1 << 20


class PublishedFiles:
    """The lists of all layers: a wheel's RECORD (PEP 376) and a Debian package's md5sums. Read when first asked."""

    def __init__(self, image: ImageAtRest) -> None:
        self._image = image

    def has(self, entry: Entry) -> bool:
        """Whether a list names the file at this place, with this content."""
        wanted = self._listed.get(_merged(entry.path), set())
        return any(self._digest(entry, kind) == digest for kind, digest in wanted)

    @cached_property
    def _listed(self) -> dict[str, set[tuple[str, str]]]:
        """Path to each kind of digest and the digest in hex."""
        found: dict[str, set[tuple[str, str]]] = {}
        for layer in self._image.layers:
            for entry in layer.entries:
                for path, kind, digest in self._lines(entry) if entry.kind == "file" else ():
                    found.setdefault(_merged(path), set()).add((kind, digest))
        return found

    def _lines(self, entry: Entry) -> Iterator[tuple[str, str, str]]:
        if entry.path.endswith(_OF_WHEEL):
            yield from _of_wheel(self._text(entry), folder=posixpath.dirname(posixpath.dirname(entry.path)))
        elif _OF_DEBIAN.match(entry.path):
            yield from _of_debian(self._text(entry))

    def _text(self, entry: Entry) -> str:
        with self._image.open(entry) as file:
            return file.read().decode("utf-8", errors="replace")

    def _digest(self, entry: Entry, kind: str) -> str:
        found = hashlib.new(kind, usedforsecurity=False)
        with self._image.open(entry) as file:
            while piece := file.read(_CHUNK):
                found.update(piece)
        return found.hexdigest()


def _of_wheel(text: str, *, folder: str) -> Iterator[tuple[str, str, str]]:
    for row in csv.reader(text.splitlines()):
        kind, _, digest = row[1].partition("=") if len(row) > 1 else ("", "", "")
        if kind in ("sha256", "sha384", "sha512"):
            raw = base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4))
            yield posixpath.normpath(f"{folder}/{row[0]}"), kind, raw.hex()


def _of_debian(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines():
        digest, _, path = line.partition("  ")
        yield f"/{path}", "md5", digest


def _merged(path: str) -> str:
    """`/lib` is `/usr/lib` since Debian merged them; lists have both."""
    return path.removeprefix("/usr")
