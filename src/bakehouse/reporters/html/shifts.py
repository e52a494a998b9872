"""How much better or worse each metric became, with its interval, all on one axis: to the left is worse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bakehouse.reporters.html.scale import Scale, nice_step
from bakehouse.stats.direction import higher_is_better
from bakehouse.stats.effect import Effect
from bakehouse.stats.judge import Judged

_LEAST, _MOST = 0.05, 0.5
"""The axis reaches at least and at most so far to each side; what lies beyond is drawn at its edge."""
_MARGIN = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """Positions in per cent of the width."""

    at: float
    low: float
    high: float
    limit: float
    """What lies left of it would count as worse, if it were certain."""
    is_cut: bool
    """Whether some of it lies beyond the axis."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    zero: float
    marks: tuple[tuple[float, str], ...]
    """`-10 %`, `+10 %`; the outermost that are round."""
    shifts: tuple[Shift | None, ...]
    """One for each that was judged; None where there was nothing to compare."""


def axis(found: Sequence[Judged]) -> Axis | None:
    """None where nothing has an interval."""
    drawn = [_goodness(one) for one in found]
    reaches = [abs(math.log(value)) for effect in drawn if effect for value in (effect.low, effect.high) if value > 0]
    if not reaches:
        return None
    reach = min(max(math.log1p(_LEAST), *reaches), math.log1p(_MOST))
    scale = Scale(low=-reach, high=reach, margin=_MARGIN)
    step = nice_step(math.expm1(reach), most=2)
    marks = [(share, f"{share:+.0%}".replace("-", "−")) for share in (-step, step) if abs(math.log1p(share)) <= reach]  # noqa: RUF001
    return Axis(
        zero=scale.place(0.0),
        marks=tuple((scale.place(math.log1p(share)), words) for share, words in marks),
        shifts=tuple(
            _shift(effect, one.limit or 0.0, scale, reach) if effect else None
            for one, effect in zip(found, drawn, strict=True)
        ),
    )


def _shift(effect: Effect, limit: float, scale: Scale, reach: float) -> Shift:
    values = [math.log(value) if value > 0 else -math.inf for value in (effect.ratio, effect.low, effect.high)]
    at, low, high = (scale.place(min(max(value, -reach), reach)) for value in values)
    return Shift(
        at=at,
        low=low,
        high=high,
        limit=scale.place(max(math.log1p(-min(limit, 0.99)), -reach)),
        is_cut=any(abs(value) > reach for value in values),
    )


def _goodness(judged: Judged) -> Effect | None:
    """Above 1 is better, whatever the metric."""
    if judged.effect is None:
        return None
    return judged.effect if higher_is_better(judged.metric) else judged.effect.inverse()
