"""Secrets in any layer. What a later layer deletes can still be read by everybody who pulls the image."""

from __future__ import annotations

import json
import mmap
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from bakehouse.model.report import Check
from bakehouse.prove.expect import Expectation, Forbidden
from bakehouse.prove.finding import judge
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.layer import Entry, LayerAtRest
from bakehouse.prove.image.pem import BEGIN, read_block
from bakehouse.prove.published import PublishedFiles

_MOST_PEM = 1 << 16
_ELF = b"\x7fELF"
_PIECE = 1 << 22
_CREDENTIALS = {
    ".netrc": re.compile(rb"\bpassword\s+\S"),
    ".pypirc": re.compile(rb"^\s*password\s*[:=]\s*\S", re.MULTILINE),
    ".npmrc": re.compile(rb"_(authToken|auth|password)\s*=\s*\S"),
    ".docker/config.json": re.compile(rb'"(auth|identitytoken)"\s*:\s*"[^"]'),
    ".git-credentials": re.compile(rb"://[^/\s:@]*:[^/\s@]+@"),
}
"""End of a path to what makes it a secret."""
_PROXY_VARIABLE = re.compile(r"\b(?P<name>(https?|ftp|all)_proxy)=(?P<value>[^\s\"']+)", re.IGNORECASE)
_URL_WITH_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@\"']*:[^\s/@\"']+@", re.IGNORECASE)


def check_secrets(image: ImageAtRest, expectation: Expectation) -> Check:
    """No private key, forbidden certificate, forbidden text, credential or proxy in a layer or in the configuration.

    Contents of compressed files are not looked into. A key inside a library that is as a wheel or a Debian package
    brought it is published with it: GnuTLS tests itself with such. Messages name the place and never the secret.
    """
    problems = list(_configuration(image, expectation))
    published = PublishedFiles(image)
    for layer in image.layers:
        for entry, what in _layer(image, layer, expectation, published):
            problems.append(f"{entry.path}{_fate(image, entry)} {what}")
    return judge(
        "secrets", list(dict.fromkeys(problems)), passed=f"none in {len(image.layers)} layers and the configuration"
    )


def _fate(image: ImageAtRest, entry: Entry) -> str:
    final = image.tree.get(entry.path)
    kept = final is not None and (final.layer, final.offset) == (entry.layer, entry.offset)
    return "" if kept else f" (in layer {entry.layer + 1}, deleted or replaced later)"


def _layer(
    image: ImageAtRest, layer: LayerAtRest, expectation: Expectation, published: PublishedFiles
) -> Iterator[tuple[Entry, str]]:
    yield from _needles(layer, expectation, published)
    for entry in layer.entries:
        if entry.kind != "file" or not entry.size:
            continue
        if entry.path.startswith("/run/secrets/"):
            yield entry, "is a build secret that was kept"
        for end, pattern in _CREDENTIALS.items():
            if entry.path.endswith(f"/{end}") and _matches(image, entry, pattern):
                yield entry, "holds credentials"


def _matches(image: ImageAtRest, entry: Entry, pattern: re.Pattern[bytes]) -> bool:
    with image.open(entry) as file:
        return bool(pattern.search(file.read(_MOST_PEM)))


def _needles(layer: LayerAtRest, expectation: Expectation, published: PublishedFiles) -> Iterator[tuple[Entry, str]]:
    """Search the unpacked layer as one piece of memory: that is many times faster than opening its files."""
    files = sorted((entry for entry in layer.entries if entry.kind == "file"), key=lambda entry: entry.offset)
    starts = [entry.offset for entry in files]
    if not files:
        return
    wanted = {BEGIN: None, **{one.text: one for one in expectation.forbidden if one.text}}
    with layer.unpacked.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        for at, needle in _occurrences(memory, tuple(wanted)):
            index = bisect_right(starts, at) - 1
            if index < 0 or at >= files[index].offset + files[index].size:
                continue
            entry, forbidden = files[index], wanted[needle]
            end = min(entry.offset + entry.size, at + _MOST_PEM)
            if forbidden is None:
                is_library = memory[entry.offset : entry.offset + 4] == _ELF
                as_published = partial(_as_published, entry, expectation, published) if is_library else bool
                what = _pem(memory[at:end], expectation, as_published)
            else:
                around = memory[max(entry.offset, at - 1) : at + len(needle) + 1]
                what = f"holds {forbidden.what}" if _is_in(around[: end - at + 1], forbidden) else None
            if what:
                yield entry, what


def _occurrences(memory: mmap.mmap, needles: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Where each needle begins. Piece by piece: `bytes.find` is many times faster than that of `mmap`."""
    overlap = max(map(len, needles)) - 1
    for begin in range(0, len(memory), _PIECE):
        piece = memory[begin : begin + _PIECE + overlap]
        for needle in needles:
            at = piece.find(needle)
            while 0 <= at < _PIECE:
                yield begin + at, needle
                at = piece.find(needle, at + 1)


def _is_in(text: bytes, forbidden: Forbidden) -> bool:
    """Whether the text holds it, as a word of its own if it is one."""
    if not forbidden.is_word:
        return forbidden.text in text
    before = b"" if forbidden.text.startswith(b"/") else rb"(?<![\w-])"
    return re.search(before + re.escape(forbidden.text) + rb"(?![\w-])", text) is not None


def _as_published(entry: Entry, expectation: Expectation, published: PublishedFiles) -> bool:
    """Whether a library is somebody else's: of the image that this one starts from, or as its package brought it."""
    return expectation.starts_published or published.has(entry)


def _pem(text: bytes, expectation: Expectation, as_published: Callable[[], bool]) -> str | None:
    """What a PEM block that starts here gives away."""
    block = read_block(text)
    if block and block.is_private_key and not as_published():
        return f"holds a private key ({block.label})"
    if block and block.is_certificate and block.digest in expectation.forbidden_certificates:
        return "holds a certificate of the build machine's network"
    return None


def _configuration(image: ImageAtRest, expectation: Expectation) -> Iterator[str]:
    for place, text in _texts(image.document):
        for found in _PROXY_VARIABLE.finditer(text):
            yield f"{place} of the image names a proxy ({found['name']})"
        if _URL_WITH_PASSWORD.search(text):
            yield f"{place} of the image holds an address with a password"
        raw = text.encode("utf-8", errors="surrogateescape")
        yield from (f"{place} of the image holds {one.what}" for one in expectation.forbidden if _is_in(raw, one))


def _texts(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The parts of the configuration where people write: the environment, labels and so on, and each instruction."""
    config = document.get("config") or {}
    for name, value in config.items():
        for item in value if isinstance(value, list) else [value]:
            yield f"the setting {name}", item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    for index, line in enumerate(document.get("history") or ()):
        yield f"step {index + 1} of the history", f"{line.get('created_by', '')} {line.get('comment', '')}"
