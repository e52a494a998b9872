"""A run whose every free text is what somebody else wants it to be."""

from __future__ import annotations

from typing import Any

from bakehouse.model.report import RunReport

_CLOSED = {"verdict", "kind", "metric", "unit", "by", "started", "completed", "finished"}
"""Keys whose values are of a closed set, or times."""


def poisoned(run: RunReport, text: str) -> RunReport:
    return RunReport.model_validate(_replace(run.model_dump(), text))


def _replace(value: Any, text: str, *, key: str = "") -> Any:
    match value:
        case dict():
            if key in {"labels", "packages", "settings", "raw"}:
                return {text: text}
            return {name: _replace(item, text, key=name) for name, item in value.items()}
        case list():
            return [_replace(item, text, key=key) for item in value]
        case str() if key not in _CLOSED:
            return text
        case _:
            return value
