"""Read a history as a stream and keep only what a comparison needs: numbers in columns, each run's facts once."""

from __future__ import annotations

import itertools
import math
from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic_core import to_json

from bakehouse.history.journal import Problem, Problems, append, read
from bakehouse.model.enums import Grade, Verdict
from bakehouse.model.history import Row, Terms
from bakehouse.stats.judge import Side, group

SUFFIX = ".jsonl"
_IDENTITY = ("run", "workload", "start", "repetition")
"""Of a row, in its cell's file."""


class Key(NamedTuple):
    """What is drawn as one line through time."""

    cell: str
    workload: str
    metric: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What a run is known by; its numbers stand in the columns."""

    name: str
    time: datetime
    image: str
    revision: str


class Noisy(NamedTuple):
    """What a row says of a noisy figure."""

    reason: str
    low: float | None
    high: float | None


@dataclass(kw_only=True, slots=True)
class Column:
    """Samples of one key, in the order they came."""

    runs: array[int] = field(default_factory=lambda: array("i"))
    terms: array[int] = field(default_factory=lambda: array("i"))
    starts: array[int] = field(default_factory=lambda: array("i"))
    repetitions: array[int] = field(default_factory=lambda: array("i"))
    values: array[float] = field(default_factory=lambda: array("d"))
    """NaN: the sample is void."""
    noisy: array[int] = field(default_factory=lambda: array("b"))
    """1 where it is noisy."""
    reasons: dict[int, str] = field(default_factory=dict)
    """Run to the reason of the last of its samples that was void."""
    short: set[int] = field(default_factory=set)
    """Runs that measured a longer workload in its stead."""
    spans: dict[int, Noisy] = field(default_factory=dict)
    """Run to what was said of its noisy samples."""


@dataclass(kw_only=True, slots=True)
class Collected:
    runs: list[Run] = field(default_factory=list)
    terms: list[Terms] = field(default_factory=list)
    columns: dict[Key, Column] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    _run_numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    _term_numbers: dict[bytes, int] = field(default_factory=dict)
    _last_terms: tuple[Any, int] = (None, -1)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a row as it was read. Raises ValueError or KeyError where it is none; nothing of it is kept then."""
        cell, workload, start, repetition = row["cell"], row["workload"], row["start"], row["repetition"]
        if not (isinstance(cell, str) and isinstance(workload, str) and type(start) is int and type(repetition) is int):
            raise ValueError("cell, workload, start or repetition are not what they should be")
        values = [(metric, *_value(said), said.get("short") is True) for metric, said in row["values"].items()]
        terms, run = self._terms(row["terms"]), self._run(row)
        for metric, value, reason, noisy, short in values:
            column = self.columns.get((cell, workload, metric))  # type: ignore[call-overload]  # a Key is such a tuple
            if column is None:
                column = self.columns[Key(cell, workload, metric)] = Column()
            column.runs.append(run)
            column.terms.append(terms)
            column.starts.append(start)
            column.repetitions.append(repetition)
            column.values.append(value)
            column.noisy.append(noisy is not None)
            if short:
                column.short.add(run)
            if math.isnan(value):
                column.reasons[run] = reason
            elif noisy is not None:
                column.spans[run] = noisy

    def sides(self, key: Key) -> Iterator[tuple[Run, Terms, Side]]:
        """Its runs, oldest first. A repetition that is listed twice (two branches were merged) counts once."""
        column = self.columns.get(key)
        if column is None:
            return
        table = np.stack([np.asarray(each) for each in (column.runs, column.terms, column.starts, column.repetitions)])
        order = np.lexsort((np.arange(table.shape[1]), *table[::-1]))
        table, values, noisy = table[:, order], np.asarray(column.values)[order], np.asarray(column.noisy)[order] == 1
        last = np.append((table[:, 1:] != table[:, :-1]).any(axis=0), True)
        table, values, noisy = table[:, last], values[last], noisy[last]
        edges = np.flatnonzero((table[:2, 1:] != table[:2, :-1]).any(axis=0)) + 1
        found = []
        for begin, end in itertools.pairwise([0, *edges.tolist(), values.size]):
            run, terms = (int(number) for number in table[:2, begin])
            side = _side(
                table[2, begin:end],
                values[begin:end],
                noisy[begin:end],
                reason=column.reasons.get(run, ""),
                span=column.spans.get(run, Noisy("", None, None)),
            )
            found.append((self.runs[run], self.terms[terms], side))
        yield from sorted(found, key=lambda one: (one[0].time, one[0].name))

    def is_short(self, key: Key, run: str) -> bool:
        """Whether a run measured a longer workload in its stead."""
        column = self.columns.get(key)
        return column is not None and any(self.runs[number].name == run for number in column.short)

    def _run(self, row: Mapping[str, Any]) -> int:
        key = (row["run"], row["cell"])
        if key not in self._run_numbers:
            name, time = _text(row["run"]), datetime.fromisoformat(row["time"])
            time = time if time.tzinfo else time.replace(tzinfo=UTC)
            self.runs.append(
                Run(name=name, time=time, image=str(row.get("image", "")), revision=str(row.get("revision", "")))
            )
            self._run_numbers[key] = len(self.runs) - 1
        return self._run_numbers[key]

    def _terms(self, said: Any) -> int:
        """Rows in a row mostly have the same terms: comparing is quicker than reading them."""
        if not isinstance(said, dict):
            raise ValueError("its terms are not what they should be")  # noqa: TRY004 - as all that is wrong in a line
        if said != self._last_terms[0]:
            text = to_json(said)
            if text not in self._term_numbers:
                self.terms.append(Terms.model_validate_json(text))
                self._term_numbers[text] = len(self.terms) - 1
            self._last_terms = (said, self._term_numbers[text])
        return self._last_terms[1]


def collect(
    folder: Path, *, cells: Collection[str] | None = None, workloads: Collection[str] | None = None
) -> Collected:
    """Read the history. None: all cells, all workloads. A folder that is not there is an empty history."""
    found = Collected()
    for path in files(folder, cells=cells):
        for number, row in read(path, found.problems):
            if workloads is not None and row.get("workload") not in workloads:
                continue
            try:
                found.add(row)
            except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
                words = f"is no row ({_words(error)}); kept and not used"
                found.problems.add(Problem(path=path, line=number, kind="corrupt", message=words))
    return found


def files(folder: Path, *, cells: Collection[str] | None = None) -> list[Path]:
    """A folder for each cell, a file for each month."""
    names = sorted(path.name for path in folder.glob("*") if path.is_dir()) if cells is None else sorted(set(cells))
    return [path for name in names for path in sorted((folder / name).glob(f"*{SUFFIX}"))]


def keep(folder: Path, rows: Collection[Row]) -> None:
    """Add rows to their cells' files. InfrastructureError: nothing of that cell and month was added."""
    together: dict[Path, list[Row]] = {}
    for row in rows:
        together.setdefault(_file(folder, row), []).append(row)
    for path, each in together.items():
        append(path, each)


def keep_new(folder: Path, rows: Collection[Row]) -> None:
    """Add those that are not there yet: a run that was cut off may have added some. Raises as `keep`, and OSError.

    Only the rows' own months are looked at; what stands in two of them counts once all the same.
    """
    known: set[Any] = set()
    for path in {_file(folder, row) for row in rows}:
        if path.exists():
            said = read(path, Problems())
            known |= {(path, *(str(row.get(key)) for key in _IDENTITY)) for _, row in said}
    keep(
        folder,
        [row for row in rows if (_file(folder, row), *(str(getattr(row, key)) for key in _IDENTITY)) not in known],
    )


def _file(folder: Path, row: Row) -> Path:
    return folder / row.cell / f"{row.time:%Y-%m}{SUFFIX}"


def _side(
    starts: NDArray[np.int64], values: NDArray[np.float64], noisy: NDArray[np.bool_], *, reason: str, span: Noisy
) -> Side:
    """Of what is exact, where there is any; else of what is noisy."""
    right = ~np.isnan(values)
    counts = right & ~noisy if (right & ~noisy).any() else right
    grouped = group(list(zip(starts[counts].tolist(), values[counts].tolist(), strict=True)))
    void = int((~right).sum())
    if not (counts & noisy).any():
        return Side(starts=grouped, void=void, reason=reason)
    seen = values[counts]
    return Side(
        starts=grouped,
        void=void,
        reason=reason,
        noisy=span.reason or "noisy, without a reason",
        low=float(seen.min()) if span.low is None else span.low,
        high=float(seen.max()) if span.high is None else span.high,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")  # noqa: TRY004 - as all that is wrong in a line
    return value


def _value(said: Mapping[str, Any]) -> tuple[float, str, Noisy | None]:
    """NaN for what is void, with the reason; and what was said where it is noisy. Rows without a grade are exact."""
    reason = str(said.get("reason", ""))
    if said.get("verdict", Verdict.PASSED) != Verdict.PASSED or said.get("grade") == Grade.VOID:
        return math.nan, reason, None
    value = _number(said["value"])
    if said.get("grade") != Grade.NOISY:
        return value, "", None
    low, high = (None if said.get(end) is None else _number(said[end]) for end in ("low", "high"))
    return value, "", Noisy(reason, low, high)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"a value is {value!r}")
    return float(value)


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]}"
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
    return str(error)
