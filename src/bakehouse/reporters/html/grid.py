"""The matrix at a glance: a table for each recipe, accelerator by flag set and platform."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bakehouse.model.report import CellReport
from bakehouse.model.words import Verdict
from bakehouse.reporters import figures


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    name: str
    anchor: str
    verdict: Verdict
    reason: str
    prompt_rate: float | None
    decode_rate: float | None
    bytes_unpacked: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    accelerator: str
    arch: str
    tiles: tuple[tuple[str, tuple[Tile, ...]], ...]
    """Column's name to what stands there: usually one tile or none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    recipe: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]


def grids(cells: Sequence[CellReport], *, anchors: Mapping[int, str]) -> tuple[Grid, ...]:
    """`anchors` maps a cell's place in the run to the id of its section."""
    by_recipe: dict[str, list[tuple[CellReport, str]]] = defaultdict(list)
    for index, cell in enumerate(cells):
        by_recipe[cell.recipe].append((cell, anchors[index]))
    return tuple(_grid(recipe, members) for recipe, members in by_recipe.items())


def _grid(recipe: str, members: list[tuple[CellReport, str]]) -> Grid:
    columns = tuple(dict.fromkeys(_column(cell) for cell, _ in members))
    lines: dict[tuple[str, str], dict[str, list[Tile]]] = {}
    for cell, anchor in members:
        line = lines.setdefault(_head(cell), {column: [] for column in columns})
        line[_column(cell)].append(_tile(cell, anchor))
    return Grid(
        recipe=recipe,
        columns=columns,
        lines=tuple(
            Line(
                accelerator=accelerator,
                arch=arch,
                tiles=tuple((column, tuple(line[column])) for column in columns),
            )
            for (accelerator, arch), line in lines.items()
        ),
    )


def _column(cell: CellReport) -> str:
    return f"{cell.flag_set} · {cell.platform}"


def _head(cell: CellReport) -> tuple[str, str]:
    return cell.toolkit or cell.accelerator, cell.arch or ""


def _tile(cell: CellReport, anchor: str) -> Tile:
    return Tile(
        name=cell.name,
        anchor=anchor,
        verdict=cell.verdict,
        reason=cell.reason,
        prompt_rate=figures.median_of(cell, "prompt_rate"),
        decode_rate=figures.median_of(cell, "decode_rate"),
        bytes_unpacked=cell.image.bytes_unpacked if cell.image else None,
    )
