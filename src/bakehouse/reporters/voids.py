"""What does not count, or is noisy, and why: samples of all cells, by reason."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bakehouse.model.enums import Verdict
from bakehouse.model.report import CellReport
from bakehouse.reporters.text import one_line

_NUMBER = re.compile(r"\d[\d.,]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Voids:
    """Samples that are void or noisy, or metrics that were left out, for reasons that differ in their numbers only."""

    verdict: Verdict
    """passed: the samples are right, and noisy."""
    reason: str
    """The first one's, with its numbers."""
    is_one: bool
    """Whether all say exactly this."""
    samples: int
    where: tuple[tuple[str, str], ...]
    """Cell to `pp512 prompt_rate 2 of 15, tg128 decode_rate 1 of 15`."""


def voids(cells: Sequence[CellReport]) -> tuple[Voids, ...]:
    """The most samples first."""
    reasons: dict[tuple[Verdict, str], list[str]] = defaultdict(list)
    places: dict[tuple[Verdict, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        for measurement in cell.measurements:
            here: dict[tuple[Verdict, str], int] = defaultdict(int)
            for sample in measurement.samples:
                if sample.verdict is not Verdict.PASSED or sample.disturbed:
                    reason = one_line(sample.reason) or "no reason was recorded"
                    key: tuple[Verdict, str] = (sample.verdict, _NUMBER.sub("#", reason))
                    reasons[key].append(reason)
                    here[key] += 1
            for said, number in here.items():
                words = f"{measurement.workload} {measurement.metric} {number} of {len(measurement.samples)}"
                places[said][cell.name].append(words)
    return tuple(
        Voids(
            verdict=key[0],
            reason=each[0],
            is_one=len(set(each)) == 1,
            samples=len(each),
            where=tuple((cell, ", ".join(words)) for cell, words in places[key].items()),
        )
        for key, each in sorted(reasons.items(), key=lambda item: -len(item[1]))
    )
