from __future__ import annotations

import lzma
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from bakehouse.errors import SupplyError
from bakehouse.planning.packages import Archive
from bakehouse.supply.package_index import FRESH, Index, PackageIndexes, joined, parse_index

PACKAGES = """\
Package: libgomp1
Source: gcc-14
Version: 14.2.0-19
Architecture: amd64
Description: GCC OpenMP (GOMP) support library
 Package: not a field, but a line of the description

Package: libssl3t64
Version: 3.5.1-1
Provides: libssl3 (= 3.5.1-1), libcrypto.so:any

Package: libssl3t64
Version: 3.5.4-1~deb13u1
"""
TRIXIE = Archive(distribution="debian", suite="trixie", components=("main",))


class Server:
    """What answers instead of a mirror."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.asked = files, list[str]()

    @contextmanager
    def session(self) -> Iterator[Any]:
        yield self

    def get(self, url: str, **_: Any) -> requests.Response:
        self.asked.append(url)
        answer = requests.Response()
        found = next((content for end, content in self.files.items() if url.endswith(end)), None)
        answer.status_code, answer.reason = (404, "Not Found") if found is None else (200, "OK")
        answer._content = found or b""
        return answer


def served(tmp_path: Path, **files: bytes) -> tuple[Server, PackageIndexes]:
    server = Server({"trixie/main/binary-amd64/Packages.xz": lzma.compress(PACKAGES.encode()), **files})
    return server, PackageIndexes(cache=tmp_path / "cache", root=tmp_path, session=server.session)  # type: ignore[arg-type]


def test_an_index_is_read() -> None:
    index = parse_index(PACKAGES)
    assert index.versions == {"libgomp1": {"14.2.0-19"}, "libssl3t64": {"3.5.1-1", "3.5.4-1~deb13u1"}}
    assert index.provided == {"libssl3", "libcrypto.so"}
    assert index.has("libgomp1")
    assert index.has("libssl3"), "a name that another package stands for"
    assert not index.has("libze-intel-gpu1")
    assert parse_index("") == Index(versions={}, provided=frozenset())


def test_several_are_one() -> None:
    both = joined([parse_index(PACKAGES), parse_index("Package: libgomp1\nVersion: 15\n")])
    assert both.versions["libgomp1"] == {"14.2.0-19", "15"}


def test_it_is_fetched_once_a_day(tmp_path: Path) -> None:
    server, indexes = served(tmp_path)
    assert indexes.get(TRIXIE, "amd64").has("libgomp1")
    assert [url.partition("/dists/")[2] for url in server.asked] == [
        "trixie/main/binary-amd64/Packages.xz", "trixie-updates/main/binary-amd64/Packages.xz",
    ]  # fmt: skip
    server.asked.clear()
    assert indexes.get(TRIXIE, "amd64").versions["libgomp1"] == {"14.2.0-19"}
    assert not any("trixie/" in url for url in server.asked)
    for kept in (tmp_path / "cache/indexes").iterdir():
        os.utime(kept, (0, kept.stat().st_mtime - FRESH - 1))
    indexes.get(TRIXIE, "amd64")
    assert any("trixie/" in url for url in server.asked)


def test_this_machines_mirror_is_asked_first(tmp_path: Path) -> None:
    sources = tmp_path / "etc/apt/sources.list"
    sources.parent.mkdir(parents=True)
    sources.write_text("deb http://mirror.example.org/debian bookworm main\n")
    server, indexes = served(tmp_path)
    indexes.get(TRIXIE, "amd64")
    assert server.asked[0].startswith("http://mirror.example.org/debian/dists/trixie/")


def test_offline_only_what_is_kept(tmp_path: Path) -> None:
    server, indexes = served(tmp_path)
    offline = PackageIndexes(cache=tmp_path / "cache", root=tmp_path, session=indexes.session, offline=True)
    with pytest.raises(SupplyError, match="BAKEHOUSE_OFFLINE is set"):
        offline.get(TRIXIE, "amd64")
    assert not server.asked
    indexes.get(TRIXIE, "amd64")
    server.asked.clear()
    assert offline.get(TRIXIE, "amd64").has("libgomp1")
    assert not server.asked


@pytest.mark.parametrize(("content", "words"), [(None, "answered with status 404"), (b"<html>", "is no xz file")])
def test_what_is_no_index_is_told(tmp_path: Path, content: bytes | None, words: str) -> None:
    files = {} if content is None else {"binary-amd64/Packages.xz": content}
    server = Server(files)
    indexes = PackageIndexes(cache=tmp_path / "cache", root=tmp_path, session=server.session)  # type: ignore[arg-type]
    with pytest.raises(SupplyError, match=words):
        indexes.get(TRIXIE, "amd64")
