"""Numbers for people: three significant digits, binary units, durations in words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from bakehouse.model.enums import Verdict

if TYPE_CHECKING:  # pydantic takes longer to load than `--help` to print
    from bakehouse.model.field_types import Unit

NOTHING = "\N{EN DASH}"
"""What stands where a number is missing."""

SYMBOLS: dict[Verdict, str] = {
    Verdict.PASSED: "✓",
    Verdict.FAILED: "✗",
    Verdict.ERRORED: "!",
    Verdict.SKIPPED: "\N{EN DASH}",
    Verdict.VOID: "○",
}
"""Beside the colour and the word, so that none of the three is needed."""

_MINUTE, _HOUR = 60, 3600
_FOUR_DIGITS = 1000
_Cell = TypeVar("_Cell", str, Text)
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def significant(value: float, *, digits: int = 3) -> str:
    """`222`, `97.4`, `4.02`, `12,300`: never an exponent."""
    if not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    if not math.isfinite(rounded):
        return NOTHING
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{min(decimals, 9)}f}"


def rate(value: float | None) -> str:
    """Of something a second, without the unit."""
    return NOTHING if value is None else significant(value)


def seconds(value: float | None) -> str:
    """`850 ms`, `1.52 s`, `4 min 12 s`, `1 h 4 min`."""
    if value is None or not math.isfinite(value):
        return NOTHING
    whole = round(value)
    if whole >= _HOUR:
        hours, rest = divmod(whole, _HOUR)
        return f"{hours:,} h {rest // _MINUTE} min"
    if float(f"{value:.2e}") >= _MINUTE:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if value and float(f"{abs(value):.2e}") < 1:
        return f"{significant(value * 1000)} ms"
    return f"{significant(value)} s"


def round_seconds(value: float) -> str:
    """For the marks of an axis: `5 min`, not `5 min 0 s`."""
    whole = round(value)
    if whole >= _HOUR and whole % _HOUR == 0:
        return f"{whole // _HOUR} h"
    if _MINUTE <= whole < _HOUR and whole % _MINUTE == 0:
        return f"{whole // _MINUTE} min"
    return f"{value:g} s" if 0 < value < _MINUTE else seconds(value)


def clock(value: float | None) -> str:
    """`0:42`, `4:12`, `1:04:30`: for narrow columns."""
    if value is None or not math.isfinite(value):
        return NOTHING
    minutes, rest = divmod(round(value), _MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(value: float | None) -> str:
    """`512 B`, `160 MiB`, `1.52 GiB`. A number of four digits goes to the next unit."""
    if value is None or not math.isfinite(value):
        return NOTHING
    for unit in ("B", "KiB", "MiB", "GiB"):
        if float(f"{abs(value):.2e}") < _FOUR_DIGITS:
            return f"{significant(value)} {unit}"
        value /= 1024
    return f"{significant(value)} TiB"


def size_in_bytes(text: str) -> int:
    """`260 MiB` as a number of bytes. The file model has checked the form."""
    found = re.fullmatch(r"([0-9.]+)\s?([A-Za-z]+)", text)
    assert found is not None
    return round(float(found[1]) * _UNITS[found[2]])


def flow(value: float, unit: str) -> str:
    """A large number with a decimal prefix: `4.80 TB/s`, `96.6 MB`, `149 TFLOP/s`."""
    for prefix, factor in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= 0.9995 * factor:
            return f"{significant(value / factor)} {prefix}{unit}"
    return f"{significant(value)} {unit}"


def quantity(value: float | None, unit: Unit) -> str:
    """A measured value with its unit."""
    match unit:
        case "tokens/s":
            return NOTHING if value is None else f"{rate(value)} t/s"
        case "seconds":
            return seconds(value)
        case "bytes":
            return size(value)
        case "ratio":
            return NOTHING if value is None else f"{value:.4f}"
        case _:
            return NOTHING if value is None else f"{significant(value)} {unit.replace('joules/', 'J/')}"


def span(low: float, high: float, unit: Unit) -> str:
    """`98.2 to 103 t/s`."""
    if unit == "tokens/s":
        return f"{rate(low)} to {rate(high)} t/s"
    if unit.endswith("/s"):
        return f"{significant(low)} to {significant(high)} {unit}"
    return f"{quantity(low, unit)} to {quantity(high, unit)}"


def singular(plural: str) -> str:
    """One of what a unit of work is called: `embedding` of embeddings, `query` of queries, `second of audio`."""
    head, of, rest = plural.partition(" of ")
    if head.endswith("ies"):
        head = f"{head[:-3]}y"
    elif head.endswith(("sses", "xes", "ches", "shes")):
        head = head[:-2]
    elif head.endswith("s") and not head.endswith("ss"):
        head = head[:-1]
    return head + of + rest


def moment(value: datetime | None) -> str:
    """`2026-11-21 02:51 UTC`. A time without a zone is taken as UTC."""
    if value is None:
        return NOTHING
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return f"{value:%Y-%m-%d %H:%M} UTC"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 step`, `13 checks`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def keep_words_whole(table: Table, *, width: int) -> None:
    """Make each column at least as wide as its longest word, and take room from columns of several words first.

    A column that is not to be wrapped keeps its lines. Where all that is more than `width`, so is the table.
    """
    for column in table.columns:
        cells = [column.header, *column.cells] if table.show_header else [*column.cells]
        lines = [line for cell in cells if isinstance(cell, str | Text) for line in str(cell).splitlines()]
        unbroken = lines if column.no_wrap else [word for line in lines for word in line.split()]
        column.min_width = max(column.min_width or 0, *map(cell_len, unbroken), 0)
        column.no_wrap = column.no_wrap or max(map(cell_len, lines), default=0) <= column.min_width
    needed = sum(column.min_width or 0 for column in table.columns) + _between(table)
    if table.width is None and needed > width:
        table.width = needed


def _between(table: Table) -> int:
    """Characters of a table's lines that belong to no column: padding and borders."""
    _, right, _, left = table.padding
    columns = len(table.columns)
    padding = columns * (left + right) - (0 if table.pad_edge else left + right)
    borders = (columns - 1 + 2 * table.show_edge) if table.box else 0
    return padding + borders


def table_width(rows: Sequence[Mapping[str, _Cell]], *, gap: int) -> int:
    """Columns of a terminal that a table of these rows takes, none of them folded.

    A row maps headers to cells; `gap` is what stands beside each column.
    """
    return sum(_column_width(name, [str(row[name]) for row in rows]) + gap for name in rows[0])


def _column_width(header: str, cells: Sequence[str]) -> int:
    return max(cell_len(line) for cell in (header, *cells) for line in cell.splitlines() or [""])


def without_least_needed(
    rows: Sequence[Mapping[str, _Cell]], least_needed: Sequence[str], *, width: int, gap: int
) -> Sequence[Mapping[str, _Cell]]:
    """The rows, without as many of the columns `least_needed` (the first goes first) as a terminal lacks room for."""
    for name in least_needed:
        if table_width(rows, gap=gap) <= width:
            break
        rows = [{key: value for key, value in row.items() if key != name} for row in rows]
    return rows
