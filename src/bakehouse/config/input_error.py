"""An input error at a key path, and values that are listed twice."""

from __future__ import annotations

from collections.abc import Sequence

from bakehouse.errors import InputError, Where

MATRIX = "matrix.yaml"


def input_error(message: str, *path: str | int, hint: str | None = None, file: str = MATRIX) -> InputError:
    """A mistake at a key path; the project knows the line."""
    return InputError(message, hint=hint, where=Where(file=file, path=path))


def repeated(values: Sequence[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})
