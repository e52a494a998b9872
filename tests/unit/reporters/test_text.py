from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import InputError
from bakehouse.reporters.text import one_line, plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil.example\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\rest", "rest"),
        ("10 %\r20 %\r\ndone", "10 %\n20 %\ndone"),
        ("a\x00b\x08c\x7f", "abc"),
        ("file\u202egnp.exe", "filegnp.exe"),
        ("\ud800 \uffff \U0001ffff", "  "),
        ("tab\tand\nline, ümlaut, 火, 🔥", "tab\tand\nline, ümlaut, 火, 🔥"),
    ],
)
def test_plain(text: str, expected: str) -> None:
    assert plain(text) == expected


@given(st.text())
def test_plain_has_nothing_to_take_from_what_is_plain(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_one_line_is_one_line_and_no_longer_than_asked(text: str, most: int) -> None:
    found = one_line(text, most=most)
    assert len(found) <= most
    assert len(found.splitlines()) <= 1


def test_a_hint_follows_as_a_sentence() -> None:
    assert (
        one_line(str(InputError("it had to be killed", hint="Handle SIGTERM.")))
        == "it had to be killed. Handle SIGTERM."
    )
    assert one_line("it ended:\n  Traceback") == "it ended: Traceback"
