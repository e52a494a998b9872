"""A slice of what benchmarks/fuzz_yaml.py tries, the same each time; and that it sees what it looks for."""

from __future__ import annotations

import random
from pathlib import Path

import fuzz_yaml
import pytest

from bakehouse.errors import InputError


def test_damaged_files_are_planned_or_refused() -> None:
    counts, failures = fuzz_yaml.run(seed=7, cases=range(120))
    assert failures == []
    assert counts["refused"] > counts["planned"] > 0


def test_a_case_is_the_same_each_time(tmp_path: Path) -> None:
    texts = fuzz_yaml.copy_project(tmp_path)
    one, other = (fuzz_yaml.mutate(texts, random.Random("1:5")) for _ in range(2))
    assert one == other
    assert one[1] != texts[one[0]].encode()


def test_faults_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def judged(work: object) -> str:
        monkeypatch.setattr(fuzz_yaml, "plan", work)
        return str(fuzz_yaml.judge(tmp_path / "project", random.Random(1), limit=0.2)[0])

    def outside(*_: object) -> None:
        (tmp_path / "elsewhere").write_text("x")

    def endless(*_: object) -> None:
        while True:
            pass

    class UnsafeError(InputError):
        def __str__(self) -> str:
            return "\x1b[2J"

    def terminal(*_: object) -> None:
        raise UnsafeError("a message that is not what it shows")

    (tmp_path / "project").mkdir()
    fuzz_yaml.run(seed=1, cases=range(1))  # sets the audit hook
    assert judged(outside) == "outside"
    assert judged(endless) == "too long"
    assert judged(terminal) == "words"
    assert judged(lambda *_: int("x")) == "bug: ValueError"
    assert judged(lambda *_: None) == "planned"
