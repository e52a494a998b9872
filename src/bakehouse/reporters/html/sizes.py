"""Images beside their budgets. Budgets differ by accelerator, so each bar is a share of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bakehouse.formatting import size
from bakehouse.model.report import CellReport

ROW, AXIS = 44, 24
_SHADES = 5
_LEAST = 0.3
"""Per cent: a thinner layer is drawn with those after it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    x: float
    width: float
    shade: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    cell: str
    note: str
    y: int
    is_over: bool
    pieces: tuple[Piece, ...]
    """Layers, largest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    height: int
    rows: tuple[Row, ...]
    limit: float
    """Where budgets end, per cent of the width."""
    description: str


def sizes(cells: Sequence[CellReport], *, by_layer: bool = True) -> Sizes | None:
    """None where no cell has both an image and a budget."""
    found = [
        (cell.name, cell.image, cell.size_budget)
        for cell in cells
        if cell.image and cell.size_budget and cell.size_budget > 0
    ]
    if not found:
        return None
    most = max(1.0, *(min(2.0, image.bytes_unpacked / budget) for _, image, budget in found))
    rows = []
    for number, (name, image, budget) in enumerate(found):
        share = image.bytes_unpacked / budget
        filled = f"{share:.0%} of" if share <= 1 else f"{size(image.bytes_unpacked - budget)} over"
        note = f"{size(image.bytes_unpacked)}, {filled} {size(budget)}; {size(image.bytes_compressed)} to pull"
        layers = image.layers if by_layer else []
        weights = sorted((max(0, layer.bytes_unpacked) for layer in layers), reverse=True)
        rows.append(
            Row(
                cell=name,
                note=note,
                y=number * ROW,
                is_over=share > 1,
                pieces=_pieces(weights or [image.bytes_unpacked], image.bytes_unpacked, min(share, most) / most * 100),
            )
        )
    return Sizes(
        height=len(rows) * ROW + AXIS,
        rows=tuple(rows),
        limit=round(100 / most, 3),
        description=" ".join(f"{row.cell}: {row.note}." for row in rows),
    )


def _pieces(weights: Sequence[int], total: int, width: float) -> tuple[Piece, ...]:
    """The whole is `width` per cent wide. What the layers do not explain is left to the last."""
    pieces: list[Piece] = []
    x = 0.0
    for number, weight in enumerate(weights):
        each = width * weight / total if total else 0.0
        if each < _LEAST or len(pieces) == _SHADES - 1:
            break
        pieces.append(Piece(x=round(x, 2), width=round(min(each, width - x), 2), shade=number % _SHADES))
        x += each
    if width - x > _LEAST / 3:
        pieces.append(Piece(x=round(x, 2), width=round(width - x, 2), shade=len(pieces) % _SHADES))
    return tuple(pieces)
