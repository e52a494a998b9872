"""What a check of a model's files found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "ok"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFinding:
    severity: Severity
    what: str
    advice: str = ""
    """What to do; empty where nothing is to be done."""


def error(what: str, advice: str = "") -> ModelFinding:
    return ModelFinding(severity="error", what=what, advice=advice)


def warning(what: str, advice: str = "") -> ModelFinding:
    return ModelFinding(severity="warning", what=what, advice=advice)


def ok(what: str) -> ModelFinding:
    return ModelFinding(severity="ok", what=what)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedModel:
    """A model's files, looked at."""

    findings: tuple[ModelFinding, ...]
    weight_bytes: int = 0
    """Of all weights that are there."""

    @property
    def is_whole(self) -> bool:
        return all(one.severity != "error" for one in self.findings)
