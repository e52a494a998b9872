from __future__ import annotations

import errno
import hashlib
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Self

import filelock
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.errors import Interrupted, SupplyError
from bakehouse.supply.download import Progress, download
from bakehouse.supply.web import new_session
from bakehouse.system.patience import Patience
from tests.unit.supply.conftest import Page, WebServer

BODY = bytes(range(256)) * 8
IMPATIENT = Patience(connect=2.0, stall=2.0, attempts=3, pause=0.0)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def ignore(_have: int, _total: int | None) -> None:
    pass


def fetch(
    url: str,
    to: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    patience: Patience = IMPATIENT,
    progress: Progress = ignore,
) -> bytes:
    with new_session() as session:
        download(url, to=to, sha256=sha256, size=size, session=session, progress=progress, patience=patience)
    return to.read_bytes()


def leftovers(to: Path) -> list[str]:
    return sorted(path.name for path in to.parent.iterdir() if path.suffix != ".lock")


def put(web: WebServer, **settings: Any) -> tuple[str, Page]:
    return web.url("/f"), web.put("/f", Page(**({"body": BODY} | settings)))


def test_a_file_arrives_under_its_name_and_nothing_else_stays(web: WebServer, tmp_path: Path) -> None:
    to = tmp_path / "deep" / "file"
    seen: list[tuple[int, int | None]] = []
    web.put("/f", BODY)
    assert fetch(web.url("/f"), to, sha256=sha(BODY), size=len(BODY), progress=lambda *step: seen.append(step)) == BODY
    assert leftovers(to) == ["file"]
    assert seen[0] == (0, len(BODY))
    assert seen[-1] == (len(BODY), len(BODY))


def test_what_is_there_is_not_asked_for_again(web: WebServer, tmp_path: Path) -> None:
    page = web.put("/f", BODY)
    for _ in range(2):
        fetch(web.url("/f"), tmp_path / "file", sha256=sha(BODY), size=len(BODY))
    assert len(page.requests) == 1


@given(body=st.binary(min_size=1, max_size=2000), cuts=st.lists(st.integers(min_value=0, max_value=400), max_size=6))
@settings(max_examples=40, deadline=None)
def test_wherever_the_connection_breaks_the_file_is_whole(shared_web: WebServer, body: bytes, cuts: list[int]) -> None:
    fruitful = [cut + 1 for cut in cuts]
    url, _ = put(shared_web, body=body, cuts=fruitful)
    with tempfile.TemporaryDirectory() as folder:
        assert fetch(url, Path(folder) / "file", sha256=sha(body)) == body


@given(body=st.binary(min_size=1, max_size=500), left=st.binary(max_size=600), is_prefix=st.booleans(), data=st.data())
@settings(max_examples=40, deadline=None)
def test_whatever_an_earlier_run_left_the_file_is_right(
    shared_web: WebServer, body: bytes, left: bytes, is_prefix: bool, data: st.DataObject
) -> None:
    url, _ = put(shared_web, body=body)
    if is_prefix:
        left = body[: data.draw(st.integers(min_value=0, max_value=len(body)))]
    size = data.draw(st.sampled_from([None, len(body)]))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "file.part").write_bytes(left)
        assert fetch(url, Path(folder) / "file", sha256=sha(body), size=size) == body


def test_a_resumed_download_asks_for_the_rest_of_the_same_version(web: WebServer, tmp_path: Path) -> None:
    url, page = put(web, cuts=[700])
    assert fetch(url, tmp_path / "file") == BODY
    assert page.requests[1]["range"] == "bytes=700-"
    assert page.requests[1]["if-range"] == page.etag


def test_an_interrupted_run_is_resumed_by_the_next(web: WebServer, tmp_path: Path) -> None:
    url, page = put(web, cuts=[100, 0, 0, 0])
    with pytest.raises(SupplyError, match="the next run goes on from there"):
        fetch(url, tmp_path / "file", sha256=sha(BODY), patience=Patience(attempts=3, pause=0.0))
    assert leftovers(tmp_path / "file") == ["file.part", "file.part.json"]
    assert fetch(url, tmp_path / "file", sha256=sha(BODY)) == BODY
    assert page.requests[-1]["range"] == "bytes=100-"


def test_a_server_that_ignores_ranges_is_read_from_the_start(web: WebServer, tmp_path: Path) -> None:
    url, page = put(web, cuts=[700], ranges=False)
    assert fetch(url, tmp_path / "file", sha256=sha(BODY)) == BODY
    assert len(page.requests) == 2


def test_two_versions_of_a_file_are_never_mixed(web: WebServer, tmp_path: Path) -> None:
    url, page = put(web, cuts=[700, 0, 0, 0])
    with pytest.raises(SupplyError):
        fetch(url, tmp_path / "file")
    page.body, page.etag, page.cuts = b"new" * 1000, '"2"', []
    assert fetch(url, tmp_path / "file") == b"new" * 1000


def test_without_a_version_or_a_hash_nothing_is_resumed(web: WebServer, tmp_path: Path) -> None:
    url, page = put(web, cuts=[700], etag=None)
    assert fetch(url, tmp_path / "file") == BODY
    assert "range" not in page.requests[1]


def test_a_hiccup_is_waited_out(web: WebServer, tmp_path: Path, patience: Patience, pauses: list[float]) -> None:
    url, page = put(web, statuses=[500, 503])
    assert fetch(url, tmp_path / "file", patience=patience) == BODY
    assert len(page.requests) == 3
    assert pauses == [0.5, 1.0]


def test_the_server_may_say_how_long_to_stay_away(
    web: WebServer, tmp_path: Path, patience: Patience, pauses: list[float]
) -> None:
    url, _ = put(web, statuses=[429, 429], retry_after="7")
    fetch(url, tmp_path / "file", patience=patience)
    assert pauses == [7.0, 7.0]


def test_a_server_that_stays_broken_is_given_up(web: WebServer, tmp_path: Path) -> None:
    url, page = put(web, statuses=[500] * 9)
    with pytest.raises(SupplyError, match=f"gave up on {url} after 3 attempts: status 500"):
        fetch(url, tmp_path / "file")
    assert len(page.requests) == 3


def test_a_missing_file_is_not_asked_for_twice(
    web: WebServer, tmp_path: Path, patience: Patience, pauses: list[float]
) -> None:
    with pytest.raises(SupplyError, match="status 404") as caught:
        fetch(web.url("/none"), tmp_path / "file", patience=patience)
    assert caught.value.hint == "It does not exist (any more)."
    assert pauses == []


def test_a_stalled_server_is_given_up(web: WebServer, tmp_path: Path) -> None:
    url, _ = put(web, body=b"ab", stalls=9)
    with pytest.raises(SupplyError, match="timed out"):
        fetch(url, tmp_path / "file", patience=Patience(stall=0.05, attempts=2, pause=0.0))


def test_a_closed_port_is_knocked_at_twice(tmp_path: Path, patience: Patience, pauses: list[float]) -> None:
    with pytest.raises(SupplyError, match=r"after 2 attempts: 127\.0\.0\.1 cannot be reached: .*refused"):
        fetch("http://127.0.0.1:1/f", tmp_path / "file", patience=patience)
    assert len(pauses) == 1


def test_wrong_bytes_are_deleted_and_named(web: WebServer, tmp_path: Path) -> None:
    url, _ = put(web)
    with pytest.raises(SupplyError) as caught:
        fetch(url, tmp_path / "file", sha256=sha(b"other"), size=len(BODY))
    assert url in caught.value.message
    assert f"expected sha256 {sha(b'other')}, got {sha(BODY)}" in caught.value.message
    assert leftovers(tmp_path / "file") == []


def test_a_wrong_size_is_named(web: WebServer, tmp_path: Path) -> None:
    url, _ = put(web)
    with pytest.raises(SupplyError, match="expected 3,000 bytes, got 2,048"):
        fetch(url, tmp_path / "file", sha256=sha(BODY), size=3000)
    assert leftovers(tmp_path / "file") == []


def test_messages_hold_no_credentials(web: WebServer, tmp_path: Path) -> None:
    with pytest.raises(SupplyError) as caught:
        fetch(web.url("/none?token=hidden", user="me:secret@"), tmp_path / "file")
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_a_disk_that_is_too_small_is_seen_before_the_download(web: WebServer, tmp_path: Path) -> None:
    url, _ = put(web)
    with pytest.raises(SupplyError, match="no space for") as caught:
        fetch(url, tmp_path / "file", size=1 << 60)
    assert f"1,150 PB more needed in {tmp_path}" in caught.value.message


def test_a_disk_that_fills_up_is_no_traceback(web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = put(web)

    class FullDisk:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write(self, _chunk: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    real: Callable[..., IO[Any]] = Path.open
    monkeypatch.setattr(Path, "open", lambda path, mode="r": FullDisk() if mode == "ab" else real(path, mode))
    with pytest.raises(SupplyError, match=r"no space for .*: 2\.05 kB more needed"):
        fetch(url, tmp_path / "file")


def test_two_runs_share_one_download(web: WebServer, tmp_path: Path) -> None:
    url, page = put(web)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: fetch(url, tmp_path / "file", sha256=sha(BODY)), range(4)))
    assert results == [BODY] * 4
    assert len(page.requests) == 1


def test_a_cut_off_run_keeps_what_arrived(web: WebServer, tmp_path: Path) -> None:
    url, page = put(web, cuts=[700])

    def interrupt(have: int, _total: int | None) -> None:
        if have == 700:
            raise Interrupted("interrupted")

    with pytest.raises(Interrupted):
        fetch(url, tmp_path / "file", progress=interrupt)
    assert (tmp_path / "file.part").read_bytes() == BODY[:700]
    assert fetch(url, tmp_path / "file") == BODY
    assert page.requests[-1]["range"] == "bytes=700-"


def test_waiting_for_another_run_can_be_interrupted(web: WebServer, tmp_path: Path) -> None:
    url, page = put(web)
    release = threading.Event()

    def interrupt(_have: int, _total: int | None) -> None:
        raise Interrupted("interrupted")

    def hold() -> None:
        with filelock.FileLock(tmp_path / "file.lock"):
            held.set()
            release.wait(5)

    held = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(5)
    try:
        with pytest.raises(Interrupted):
            fetch(url, tmp_path / "file", progress=interrupt)
    finally:
        release.set()
        holder.join()
    assert page.requests == []
