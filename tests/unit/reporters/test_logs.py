from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.reporters import logs


def test_tail_gives_the_last_lines(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("\n".join(str(number) for number in range(100_000)))
    assert logs.tail(tmp_path, "a.log", lines=2) == ("99998", "99999")


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"caf\xe9\n")
    assert logs.tail(tmp_path, "a.log") == ("caf\N{REPLACEMENT CHARACTER}",)


@pytest.mark.parametrize(
    "path", ["", "gone.log", "../secret", "/etc/hostname", "link", "logs", "a\0b", "logs/../../secret"]
)
def test_only_files_inside_the_run_are_read(path: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    run = tmp_path / "run"
    (run / "logs").mkdir(parents=True)
    (run / "link").symlink_to(tmp_path / "secret")
    assert logs.tail(run, path) == ()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("logs/a b#1.log", "./logs/a%20b%231.log"),
        ("javascript:alert(1)", "./javascript%3Aalert%281%29"),
        ("//evil.example/x", ""),
        ("../x", ""),
        ("", ""),
    ],
)
def test_links_stay_in_the_folder(path: str, expected: str) -> None:
    assert logs.link(path) == expected
