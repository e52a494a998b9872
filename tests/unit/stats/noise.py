"""Noise as it was recorded: resampled around a level, with a factor for each container start.

The samples are llama-server's on 2 cores of an AMD EPYC, tinyllama-sized, 3 starts x 5 repetitions (2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bakehouse.model.report import Metric
from bakehouse.stats.judge import Pair, Side
from bakehouse.stats.spread import Floats

LEAST_BETWEEN = 0.005
"""Three starts cannot rule out that much noise between them."""

RECORDED: dict[str, tuple[tuple[float, ...], ...]] = {
    "cpu pp512 prompt_rate": (
        (502.64, 520.17, 520.93, 515.33, 502.89),
        (496.23, 510.34, 525.56, 524.07, 504.90),
        (496.25, 516.16, 520.96, 529.18, 518.58),
    ),
    "cpu tg128 decode_rate": (
        (152.83, 150.46, 153.68, 155.00, 154.99),
        (152.85, 155.95, 157.68, 156.12, 153.79),
        (155.79, 142.64, 157.06, 159.05, 156.84),
    ),
    "cpu-blas tg128 decode_rate": (
        (145.38, 136.71, 156.97, 150.65, 145.45),
        (148.06, 156.26, 154.77, 141.41, 155.48),
        (142.47, 136.77, 145.38, 147.78, 153.83),
    ),
    "cpu-blas pp512 prompt_rate": (
        (190.34, 211.99, 177.40, 198.11, 220.20),
        (207.88, 184.51, 220.88, 292.68, 245.30),
        (179.58, 273.29, 199.06, 190.84, 209.85),
    ),
}
QUIET = ("cpu pp512 prompt_rate", "cpu tg128 decode_rate")
"""Recorded on a machine that had nothing else to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    between: float
    """Standard deviation of the starts' logarithms."""
    residuals: Floats
    """Logarithms of the repetitions beside their start."""

    @property
    def within(self) -> float:
        return float(self.residuals.std())


def fit(starts: tuple[tuple[float, ...], ...], *, least: float = LEAST_BETWEEN) -> Noise:
    """Components of variance by analysis of variance (Searle and others: Variance Components, 1992, section 3.6)."""
    lines = [np.log(start) for start in starts]
    each = len(starts[0])
    residuals = np.concatenate([line - line.mean() for line in lines]) * np.sqrt(each / (each - 1))
    within = sum(float(((line - line.mean()) ** 2).sum()) for line in lines) / (len(lines) * (each - 1))
    between = float(np.var([line.mean() for line in lines], ddof=1)) - within / each
    return Noise(between=max(least, max(0.0, between) ** 0.5), residuals=residuals)


def side(noise: Noise, chance: np.random.Generator, *, starts: int, repetitions: int = 5, factor: float = 1.0) -> Side:
    drawn = chance.normal(0, noise.between, (starts, 1)) + chance.choice(noise.residuals, (starts, repetitions))
    return Side(starts=tuple(map(tuple, (100 * factor * np.exp(drawn)).tolist())))


def pair(
    noise: Noise,
    chance: np.random.Generator,
    *,
    factor: float = 1.0,
    starts: int = 7,
    repetitions: int = 5,
    metric: Metric = "decode_rate",
) -> Pair:
    """A candidate that is `factor` times its baseline, both measured `starts` times."""
    return Pair(
        cell="cell",
        workload="tg128",
        metric=metric,
        candidate=side(noise, chance, starts=starts, repetitions=repetitions, factor=factor),
        baseline=side(noise, chance, starts=starts, repetitions=repetitions),
    )
