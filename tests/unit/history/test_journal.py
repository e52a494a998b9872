from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakehouse.errors import InfrastructureError
from bakehouse.history import journal
from bakehouse.history.journal import Problems, append, read
from bakehouse.model.history import Row

from .samples import row

LINE = row().model_dump_json(exclude_defaults=True).encode() + b"\n"


def numbers(path: Path) -> tuple[list[int], Problems]:
    """The repetitions of the good lines."""
    problems = Problems()
    return [record.get("repetition", -1) for _, record in read(path, problems)], problems


def test_what_is_added_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cell" / "2026-03.jsonl"
    first, second = row(repetition=1), row(repetition=2)
    append(path, [first])
    append(path, [second])
    append(path, [])
    problems = Problems()
    assert [Row.model_validate(record) for _, record in read(path, problems)] == [first, second]
    assert problems.count == 0
    assert path.read_bytes().startswith(b'{"schema_version":1,')


def test_a_line_says_its_versions_itself() -> None:
    """Defaults are left out of lines, and a default changes with the version."""
    assert b'"definitions":1' in LINE
    assert b'"verdict"' not in LINE


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3 * len(LINE)))
def test_a_crash_in_the_middle_costs_the_last_line_at_most(tmp_path: Path, size: int) -> None:
    path = tmp_path / "torn.jsonl"
    path.write_bytes((LINE * 3)[:size])
    whole, rest = divmod(size, len(LINE))
    found, problems = numbers(path)
    assert len(found) == whole
    assert problems.count == bool(rest)
    if rest:
        (problem,) = problems.shown
        assert (problem.kind, problem.line) == ("torn", whole + 1)
        assert "its writer was killed, or is still at work; kept and not used" in str(problem)
    append(path, [row(repetition=7)])
    found, problems = numbers(path)
    assert found[-1] == 7
    assert len(found) == whole + 1 + (rest == len(LINE) - 1), "a line that lacked only its end has one now"
    assert path.read_bytes().startswith((LINE * 3)[:size])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.binary(max_size=60) | st.sampled_from([b"null", b"[]", b"1e999", b"{}", b'{"schema_version":true}']))
)
def test_corrupt_lines_cost_no_good_one(tmp_path: Path, junk: list[bytes]) -> None:
    path = tmp_path / "junk.jsonl"
    path.write_bytes(b"".join(LINE + bad + b"\n" for bad in junk) + LINE)
    found, problems = numbers(path)
    assert len(found) == len(junk) + 1
    assert problems.count == len(path.read_bytes().split(b"\n")) - 1 - len(found)
    assert all(problem.kind == "corrupt" for problem in problems.shown)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(len(LINE), 2 * len(LINE) - 2), st.binary(min_size=1, max_size=8))
def test_bytes_that_changed_in_a_line_cost_that_line_at_most(tmp_path: Path, place: int, bad: bytes) -> None:
    path = tmp_path / "flipped.jsonl"
    text = LINE * 3
    end = min(place + len(bad), 2 * len(LINE) - 1)
    path.write_bytes(text[:place] + bad[: end - place] + text[end:])
    found, _ = numbers(path)
    assert len(found) >= 2


def test_a_newer_line_is_kept_and_explained(tmp_path: Path) -> None:
    path = tmp_path / "newer.jsonl"
    newer = LINE.replace(b'"schema_version":1', b'"schema_version":2')
    path.write_bytes(newer + LINE)
    append(path, [row(repetition=3)])
    found, problems = numbers(path)
    assert found == [0, 3]
    assert str(problems.shown[0]) == (
        f"{path}:1: was written in schema 2, and this bakehouse reads up to 1: use a newer one"
    )
    assert path.read_bytes().startswith(newer + LINE)


def test_a_line_that_never_ends_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LONGEST", 2 * len(LINE))
    path = tmp_path / "long.jsonl"
    path.write_bytes(LINE + b"x" * 9 * len(LINE) + b"\n" + LINE)
    found, problems = numbers(path)
    assert len(found) == 2
    assert [(problem.kind, problem.line) for problem in problems.shown] == [("corrupt", 2)]


def test_many_problems_are_counted_and_a_few_kept(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"bad\n" * 1000)
    _, problems = numbers(path)
    assert (problems.count, len(problems.shown)) == (1000, journal.SHOWN)


def test_a_full_disk_tears_nothing(tmp_path: Path) -> None:
    path = tmp_path / "full.jsonl"
    append(path, [row()])
    before = path.read_bytes()
    room = [50]

    def write(descriptor: int, data: memoryview) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written, room[0] = os.write(descriptor, data[: room[0]]), 0
        return written

    with pytest.raises(InfrastructureError, match=r"nothing was added to .*full\.jsonl: No space left") as caught:
        append(path, [row(repetition=1), row(repetition=2)], write=write)
    assert caught.value.hint == "make room and run again; what was there before is as it was"
    assert path.read_bytes() == before


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="No space left on device"):
        append(Path("/dev/full"), [row()])


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cell").write_text("a file")
    with pytest.raises(InfrastructureError, match="nothing was added"):
        append(tmp_path / "cell" / "2026-03.jsonl", [row()])


def _appends(path: Path, writer: int) -> None:
    for repetition in range(10):
        append(path, [row(start=writer, repetition=repetition), row(start=writer, repetition=1000 + repetition)])


def test_two_runs_append_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "shared.jsonl"
    with ThreadPoolExecutor(2) as pool:  # the lock belongs to the open file, so threads are as good as processes
        list(pool.map(lambda writer: _appends(path, writer), range(2)))
    problems = Problems()
    found = [(record["start"], record["repetition"]) for _, record in read(path, problems)]
    assert problems.count == 0
    assert len(found) == len(set(found)) == 40
