"""What is in an image: packages and their licences, read from its layers wherever they are kept."""

from __future__ import annotations

import email.parser
import gzip
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

import zstandard

from bakehouse.errors import BakehouseError, InputError
from bakehouse.publish.facts import Package
from bakehouse.registry.content import Manifest
from bakehouse.registry.store import Source

MOST_BYTES = 32 << 20
"""Of one file that is read: Debian's status file of a large system has 5 MB."""
LONGEST_LICENCE = 60
_WANTED = re.compile(
    r"var/lib/dpkg/status(?:\.d/[^/]+(?<!\.md5sums))?|usr/share/doc/[^/]+/copyright|(?:etc|usr/lib)/os-release|"
    r".+\.dist-info/METADATA"
)
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_LICENSE_LINE = re.compile(r"^License:[ \t]*(\S[^\n]*)$", re.MULTILINE | re.IGNORECASE)
_JOINED = re.compile(r"\s+(?:and|or|with)\s+|,|/(?=[A-Z])", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    packages: tuple[Package, ...]
    release: str = ""
    """Debian's code name: `trixie`."""


def read(store: Source, manifest: Manifest) -> Contents:
    """Raises InputError for layers that cannot be read, and RegistryError."""
    files = _files(store, manifest)
    copyrights = {path.split("/")[3]: text for path, text in files.items() if path.startswith("usr/share/doc/")}
    packages = [*_debian(files, copyrights), *_python(files)]
    release = next((found for path in files if path.endswith("os-release") and (found := _release(files[path]))), "")
    return Contents(packages=tuple(sorted(packages, key=lambda one: (one.kind, one.name))), release=release)


def _files(store: Source, manifest: Manifest) -> dict[str, str]:
    """What the image holds of the files that are wanted: upper layers replace and remove."""
    found: dict[str, str] = {}
    for blob in manifest.blobs():
        if "layer" not in blob.media_type and "diff.tar" not in blob.media_type:
            continue
        try:
            with store.open_blob(blob) as file, _unpacked(file, blob.media_type) as raw:
                _add_layer(raw, found)
        except (tarfile.TarError, OSError, EOFError, zstandard.ZstdError) as error:
            if isinstance(error, BakehouseError):
                raise
            raise InputError(f"{store.name}: the layer {blob.digest} cannot be read: {error}") from None
    return found


@contextmanager
def _unpacked(file: BinaryIO, media_type: str) -> Iterator[IO[bytes]]:
    if media_type.endswith("zstd"):
        with zstandard.ZstdDecompressor().stream_reader(file) as raw:
            yield cast("IO[bytes]", raw)
    elif file.read(2) == b"\x1f\x8b":
        file.seek(0)
        with gzip.open(file) as raw:
            yield cast("IO[bytes]", raw)
    else:
        file.seek(0)
        yield file


def _add_layer(raw: IO[bytes], found: dict[str, str]) -> None:
    links: dict[str, str] = {}
    with tarfile.open(fileobj=raw, mode="r|") as tar:
        for member in tar:
            path = member.name.removeprefix("./").lstrip("/")
            folder, _, name = path.rpartition("/")
            if name.startswith(_WHITEOUT):
                gone = folder if name == _OPAQUE else f"{folder}/{name.removeprefix(_WHITEOUT)}".lstrip("/")
                for other in [one for one in found if one == gone or one.startswith(f"{gone}/")]:
                    del found[other]
            elif member.isreg() and _WANTED.fullmatch(path) and member.size <= MOST_BYTES:
                content = tar.extractfile(member)
                found[path] = content.read().decode("utf-8", errors="replace") if content else ""
            elif member.issym() and path.startswith("usr/share/doc/") and path.count("/") == 3:  # noqa: PLR2004
                links[name] = member.linkname
    for name, target in links.items():  # a package's folder may be that of another: libfoo-dev -> libfoo
        text = found.get(f"usr/share/doc/{target.rpartition('/')[2]}/copyright")
        if text:
            found[f"usr/share/doc/{name}/copyright"] = text


def _debian(files: Mapping[str, str], copyrights: Mapping[str, str]) -> Iterator[Package]:
    """Stanzas of dpkg's status; distroless images keep one file a package, without a Status."""
    for path, text in files.items():
        if not path.startswith("var/lib/dpkg/"):
            continue
        for stanza in re.split(r"\n\s*\n", text):
            fields = dict(re.findall(r"^([A-Za-z-]+): *(.*)$", stanza, re.MULTILINE))
            state = fields.get("Status", "install ok installed")
            if "Package" not in fields or "Version" not in fields or not state.endswith(" installed"):
                continue
            source = re.fullmatch(r"(\S+)(?: \((\S+)\))?", str(fields.get("Source", fields["Package"])))
            yield Package(
                kind="deb",
                name=fields["Package"],
                version=fields["Version"],
                licences=_licences(copyrights.get(fields["Package"], "")),
                source=source[1] if source else fields["Package"],
                source_version=(source[2] if source else "") or fields["Version"],
                architecture=fields.get("Architecture", ""),
            )


def _licences(copyright_file: str) -> tuple[str, ...]:
    """Short names of a machine-readable file; of another, nothing is known."""
    if not copyright_file.lstrip().startswith("Format:"):
        return ()
    names = (part.strip(" .;") for line in _LICENSE_LINE.findall(copyright_file) for part in _JOINED.split(line))
    return tuple(sorted({name for name in names if name and len(name) <= LONGEST_LICENCE}))


def _python(files: Mapping[str, str]) -> Iterator[Package]:
    for path, text in files.items():
        if not path.endswith(".dist-info/METADATA"):
            continue
        fields = email.parser.HeaderParser().parsestr(text)
        if fields["Name"] and fields["Version"]:
            classifiers = [str(one) for one in fields.get_all("Classifier", []) if str(one).startswith("License ::")]
            said = fields["License-Expression"] or fields["License"] or ""
            if not said or "\n" in said or len(said) > LONGEST_LICENCE:
                said = classifiers[0].rpartition(":: ")[2] if classifiers else ""
            yield Package(
                kind="pypi",
                name=str(fields["Name"]),
                version=str(fields["Version"]),
                licences=tuple(part.strip() for part in re.split(r" AND | OR ", said) if part.strip()),
            )


def _release(text: str) -> str:
    found = re.search(r'^VERSION_CODENAME="?([a-z]+)"?$', text, re.MULTILINE)
    return found[1] if found else ""
