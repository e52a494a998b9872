"""Which family a model belongs to, by its inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from detection.adapters.base import Adapter
from detection.adapters.nanodet import SIDES, NanoDet
from detection.adapters.rtdetr import BOXES, LOGITS, RtDetr
from detection.adapters.yolo import COLUMNS, Yolo

Shape = Sequence[int | str]
CHANNELS_FIRST = 4


def choose(family: str, *, input_shape: Shape, outputs: Mapping[str, Shape], classes: int) -> Adapter:
    """Raises ValueError, which names the variable, where the model is none of them."""
    width, height = _size(input_shape)
    told = family if family != "auto" else _told(outputs, classes)
    match told:
        case "rtdetr":
            return RtDetr(width=width, height=height)
        case "yolo":
            return Yolo(width=width, height=height)
        case _:
            return NanoDet(width=width, height=height, outputs=_fixed(outputs), classes=classes)


def _told(outputs: Mapping[str, Shape], classes: int) -> str:
    shapes = list(outputs.values())
    if {LOGITS, BOXES} <= outputs.keys():
        return "rtdetr"
    if len(shapes) == 1 and len(shapes[0]) == 3 and (shapes[0][2] == COLUMNS or shapes[0][1] == SIDES + classes):  # noqa: PLR2004 - batch, row, column
        return "yolo"
    return "nanodet"


def _size(shape: Shape) -> tuple[int, int]:
    if len(shape) != CHANNELS_FIRST or not all(isinstance(one, int) for one in shape[1:]) or shape[1] != 3:  # noqa: PLR2004
        raise ValueError(f"MODEL: takes {list(shape)}, expected [batch, 3, height, width] with fixed height and width")
    return int(shape[3]), int(shape[2])


def _fixed(outputs: Mapping[str, Shape]) -> dict[str, tuple[int, ...]]:
    """With 1 for what is free, the batch."""
    return {name: tuple(one if isinstance(one, int) else 1 for one in shape) for name, shape in outputs.items()}
