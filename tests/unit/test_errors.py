from __future__ import annotations

from bakehouse.errors import InputError, InputErrors


def test_no_message_holds_what_a_terminal_would_obey_or_hide() -> None:
    error = InputError("unknown token \ufeff\x1b[2J\r in 'a\tb'\nsecond line", hint="write \u202ea")
    assert str(error) == "unknown token \\ufeff\\x1b[2J\\r in 'a\tb'\nsecond line\n  write \\u202ea"
    assert str(InputErrors([error, InputError("dïfferent")])).endswith("\ndïfferent")
