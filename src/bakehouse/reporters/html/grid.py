"""The matrix at a glance: a table for each recipe, toolkit and arch by flag set and platform; shades say rates."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bakehouse.formatting import rate
from bakehouse.model.enums import Verdict
from bakehouse.model.report import CellReport
from bakehouse.reporters import figures, grades, outcomes, work

SHADES = 5
LEAST_RATIO = 2.0
"""Of the highest rate to where shades begin: a difference that is noise must not look like day and night."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heat:
    """Decode rates in shades of equal ratios; 1 is the lowest."""

    low: float
    high: float

    def shade(self, value: float | None) -> int:
        """0 where there is no rate."""
        if value is None or value <= 0:
            return 0
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return min(SHADES, 1 + int(share * SHADES + 1e-9))

    @property
    def steps(self) -> tuple[tuple[int, str], ...]:
        """Shade to the rates it stands for."""
        ratio = (self.high / self.low) ** (1 / SHADES)
        edges = [self.low * ratio**number for number in range(SHADES + 1)]
        return tuple((number + 1, f"{rate(edges[number])} to {rate(edges[number + 1])}") for number in range(SHADES))


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    name: str
    anchor: str
    verdict: Verdict
    reason: str
    shade: int
    prompt_rate: float | None
    decode_rate: float | None
    work: tuple[tuple[str, str, str], ...]
    """Rates of other work: workload, rate and unit."""
    bytes_unpacked: int | None
    proof: str
    """`13 of 13 proved`."""
    note: str
    """Archs where they are not those of its line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    arch: str
    """As the matrix names it: an arch, or a group of them. Empty where the accelerator has none."""
    codes: str
    """What the plugin holds: `sm_75 86 89 120, PTX of 120`. Empty where that is the arch itself, or not recorded."""
    tiles: tuple[tuple[str, tuple[Tile, ...]], ...]
    """Column's name to its tiles: usually one or none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """The lines of one toolkit, or of an accelerator without one."""

    toolkit: str
    driver: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    recipe: str
    columns: tuple[str, ...]
    blocks: tuple[Block, ...]


def heat(cells: Iterable[CellReport]) -> Heat | None:
    """None where no cell has a decode rate."""
    rates = [found for cell in cells if (found := figures.median_of(cell, "decode_rate")) and found > 0]
    return Heat(low=min([*rates, max(rates) / LEAST_RATIO]), high=max(rates)) if rates else None


def grids(cells: Sequence[CellReport], *, anchors: Mapping[int, str]) -> tuple[Grid, ...]:
    """`anchors` maps a cell's place in the run to the id of its section."""
    shades = heat(cells)
    by_recipe: dict[str, list[tuple[CellReport, str]]] = defaultdict(list)
    for index, cell in enumerate(cells):
        by_recipe[cell.recipe].append((cell, anchors[index]))
    return tuple(_grid(recipe, members, shades) for recipe, members in by_recipe.items())


def codes(cell: CellReport) -> str:
    """`sm_75 86 89 120, PTX of 120`."""
    short = (arch.removeprefix("sm_").removeprefix("gfx") for arch in cell.archs[1:])
    words = " ".join([*cell.archs[:1], *short])
    return f"{words}, PTX of {cell.ptx.removeprefix('sm_')}" if cell.ptx else words


def driver(cell: CellReport) -> str:
    """`driver 525, 575.57.08 for all features`."""
    if cell.driver_floor_minor and cell.driver_floor:
        return f"driver {cell.driver_floor_minor}, {cell.driver_floor} for all features"
    return f"driver {cell.driver_floor}" if cell.driver_floor else ""


def work_rates(cell: CellReport) -> tuple[tuple[str, str, str], ...]:
    """Workload, rate and unit: of each task the first level and the highest. What does not count is left out."""
    return tuple(
        (one.workload, rate(statistics.median(one.counted)), one.unit) for one in work.head_rates(cell) if one.counted
    )


def _grid(recipe: str, members: list[tuple[CellReport, str]], shades: Heat | None) -> Grid:
    columns = tuple(dict.fromkeys(_column(cell) for cell, _ in members))
    blocks: dict[str, dict[str, list[tuple[CellReport, str]]]] = {}
    for cell, anchor in members:
        lines = blocks.setdefault(cell.toolkit or cell.accelerator, {})
        lines.setdefault(cell.arch or "", []).append((cell, anchor))
    return Grid(
        recipe=recipe,
        columns=columns,
        blocks=tuple(
            Block(
                toolkit=toolkit,
                driver=next((words for each in lines.values() for cell, _ in each if (words := driver(cell))), ""),
                lines=tuple(_line(arch, each, columns, shades) for arch, each in lines.items()),
            )
            for toolkit, lines in blocks.items()
        ),
    )


def _line(arch: str, members: list[tuple[CellReport, str]], columns: Sequence[str], shades: Heat | None) -> Line:
    common = next((words for cell, _ in members if (words := codes(cell))), "")
    tiles: dict[str, list[Tile]] = {column: [] for column in columns}
    for cell, anchor in members:
        tiles[_column(cell)].append(_tile(cell, anchor, shades, common=common))
    return Line(
        arch=arch,
        codes="" if common == arch else common,
        tiles=tuple((column, tuple(tiles[column])) for column in columns),
    )


def _column(cell: CellReport) -> str:
    return f"{cell.flag_set} · {cell.platform}"


def _tile(cell: CellReport, anchor: str, shades: Heat | None, *, common: str) -> Tile:
    decode = figures.median_of(cell, "decode_rate")
    own = codes(cell)
    return Tile(
        name=cell.name,
        anchor=anchor,
        verdict=cell.verdict,
        reason=outcomes.short_reason(cell.reason) or grades.remark([cell]),
        shade=shades.shade(decode) if shades else 0,
        prompt_rate=figures.median_of(cell, "prompt_rate"),
        decode_rate=decode,
        work=work_rates(cell),
        bytes_unpacked=cell.image.bytes_unpacked if cell.image else None,
        proof=f"{words} proved" if (words := outcomes.proof_words(cell.checks)) else "",
        note=own if own != common else "",
    )
