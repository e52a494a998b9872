from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bakehouse.engine.devices import CPU
from bakehouse.model.suite import Suite
from bakehouse.probes import ProbeFailed
from bakehouse.probes.health import Startup
from bakehouse.suite import session as sessions
from bakehouse.suite.session import Session
from tests.unit.probes.test_serving import SUBJECT
from tests.unit.suite.test_run import ENGINE


def test_no_log_of_an_earlier_round_in_the_same_folder_is_overwritten(tmp_path: Path) -> None:
    suite = Suite(run="r", run_folder=str(tmp_path), cache=str(tmp_path / "cache"), subjects=[])
    first = Session(suite, ENGINE, worker="main")
    paths = [first.log_path("a", "test_x") for _ in range(2)]
    assert len(set(paths)) == 2
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text("said")
    second = Session(suite, ENGINE, worker="main")
    assert second.log_path("a", "test_x") not in paths
    assert second.logs["test_x"].name == "a-main-2.log"


class FakeContainer:
    url = "http://127.0.0.1:1"


def with_starts(monkeypatch: pytest.MonkeyPatch, wait: Callable[[], Startup]) -> list[None]:
    """Replace what needs an engine; the starts that were made."""
    starts: list[None] = []

    @contextlib.contextmanager
    def start(*_: object, **__: object) -> Iterator[FakeContainer]:
        starts.append(None)
        yield FakeContainer()

    monkeypatch.setattr(sessions, "start", start)
    monkeypatch.setattr(sessions, "wait_serving", lambda *_, **__: wait())
    return starts


def never() -> Startup:
    raise ProbeFailed("it was not ready within 300 s: no such model; its last lines:\nno such file")


def test_a_server_that_never_became_ready_is_not_waited_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(Suite(run="r", run_folder=str(tmp_path), cache=str(tmp_path), subjects=[]), ENGINE, worker="main")
    starts = with_starts(monkeypatch, never)
    with pytest.raises(ProbeFailed, match="not ready within 300 s"):
        session.shared_server(SUBJECT, CPU, "test_a")
    for test in ("test_b", "test_c"):
        with pytest.raises(ProbeFailed, match=r"not started again.*not ready within 300 s: no such model$"):
            session.shared_server(SUBJECT, CPU, test)
    assert len(starts) == 1
    session.require_startable("another-cell")


def test_one_bad_start_after_a_good_one_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Suite(run="r", run_folder=str(tmp_path), cache=str(tmp_path), subjects=[]), ENGINE, worker="main")
    turns = iter((Startup(healthy=1.0, first_answer=0.5, loading=1, polls=3), None, None))
    starts = with_starts(monkeypatch, lambda: next(turns) or never())
    session.shared_server(SUBJECT, CPU, "test_a")
    for test in ("test_b", "test_c"):
        session.close_shared()
        with pytest.raises(ProbeFailed, match=r"^it was not ready"):
            session.shared_server(SUBJECT, CPU, test)
    assert len(starts) == 3
