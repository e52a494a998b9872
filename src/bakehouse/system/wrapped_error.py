"""The innermost error of one that a library raised."""

from __future__ import annotations


def innermost(error: BaseException) -> BaseException:
    """The error that started it; requests wraps urllib3's, which wraps its own."""
    while True:
        inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
        if not isinstance(inner, BaseException):
            return error
        error = inner
