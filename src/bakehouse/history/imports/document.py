"""What the importers share: reading JSON that others wrote, numbers in our units, and rows of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bakehouse.errors import InputError, Where
from bakehouse.model.enums import Verdict
from bakehouse.model.field_types import Unit
from bakehouse.model.history import HISTORY_SCHEMA, Hardware, Row, Terms, Value
from bakehouse.model.report import METRIC_DEFINITIONS, Metric

_SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_UNITS: dict[str, Unit] = {
    "tokens/s": "tokens/s",
    "tokens/sec": "tokens/s",
    "tokens/sec/user": "tokens/s",
    "requests/s": "requests/s",
    "requests/sec": "requests/s",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where imported rows belong."""

    cell: str
    run: str
    time: datetime
    """Of the run; a file that says its own is believed."""
    hardware: Hardware
    """What was measured on: most files do not say."""
    image: str = ""


def documents(path: Path) -> Iterator[tuple[int, Any]]:
    """The file's JSON: one document, or one in each line, with its line. InputError names the place."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="check the path") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8", hint="name the JSON file that the program wrote") from None
    try:
        yield 1, json.loads(text)
    except RecursionError:
        raise broken(path, 1, "is nested too deeply") from None
    except json.JSONDecodeError as whole:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
        for number, line in lines:
            try:
                yield number, json.loads(line)
            except (json.JSONDecodeError, RecursionError):
                place = number if number > 1 else whole.lineno
                raise broken(path, place, f"is not JSON, nor JSON Lines ({whole.msg})") from None


def broken(path: Path, line: int, problem: str) -> InputError:
    return InputError(problem, where=Where(file=str(path), line=line), hint="nothing was imported")


def value(number: Any, unit: str) -> Value | None:
    """In our units; None where there is no number, or it is none that a metric can be."""
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
        return None
    if unit in _SECONDS:
        return Value(value=number * _SECONDS[unit], unit="seconds")
    if unit in _UNITS:
        return Value(value=number, unit=_UNITS[unit])
    return None


def void(reason: str, unit: Unit = "seconds") -> Value:
    return Value(value=0.0, unit=unit, verdict=Verdict.VOID, reason=reason)


def rows(
    origin: Origin,
    *,
    client: str,
    workload: str,
    settings: Mapping[str, Any],
    repetitions: list[dict[Metric, Value]],
    time: datetime | None = None,
    revision: str = "",
) -> Iterator[Row]:
    """All of one start: no other program starts a fresh server for some of its repetitions."""
    terms = Terms(client=client, definitions=METRIC_DEFINITIONS, hardware=origin.hardware, settings=dict(settings))
    for number, values in enumerate(repetitions):
        if values:
            yield Row(
                schema_version=HISTORY_SCHEMA,
                cell=origin.cell,
                workload=workload,
                run=origin.run,
                time=time or origin.time,
                image=origin.image,
                revision=revision,
                start=0,
                repetition=number,
                values={str(metric): said for metric, said in values.items()},
                terms=terms,
            )
