"""From two groups of samples to a verdict. docs/comparing.md says when which."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bakehouse.model.enums import Change
from bakehouse.model.report import Metric
from bakehouse.stats.direction import EXACT, RATES, higher_is_better
from bakehouse.stats.effect import LEVEL, RESAMPLES, Effect, effect
from bakehouse.stats.rank_test import benjamini_hochberg, mann_whitney, smallest_p
from bakehouse.stats.spread import middles
from bakehouse.stats.welch import welch

MUCH = 0.2
"""A change that nobody may miss, also where figures are noisy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeGates:
    """What a change must pass to be called one."""

    least: float = 0.03
    """A smaller change for the worse is no regression, however sure it is."""
    mads: float = 3.0
    """Nor is one smaller than this many of the cell's historical MAD."""
    rate: float = 0.02
    """How often any change may be found in all metrics together where there is none: half of them to each side."""
    large: float = 0.10
    """With so few starts that ranks can show nothing, a smaller change is none: their t test takes noise for normal."""
    level: float = LEVEL
    tolerance: float = 5 / 3
    """Of the limit: `pass` says that a change as bad as this is excluded. 5 % where the limit is 3 %."""
    resamples: int = RESAMPLES


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """Counted values of one metric, by container start; and how many samples were void."""

    starts: tuple[tuple[float, ...], ...]
    void: int = 0
    reason: str = ""
    """Of the last that was void."""
    noisy: str = ""
    """Why its figure is noisy; empty where it is exact."""
    low: float | None = None
    """Its interval, where it is noisy."""
    high: float | None = None

    @property
    def span(self) -> tuple[float, float]:
        """Where its figure lies: the interval of a noisy one, the starts of an exact one."""
        if self.low is not None and self.high is not None:
            return self.low, self.high
        values = middles(self.starts)
        return min(values), max(values)

    @property
    def counted(self) -> int:
        return sum(map(len, self.starts))


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One metric of one workload on one cell, beside its baseline."""

    cell: str
    workload: str
    metric: Metric
    candidate: Side
    baseline: Side
    mad: float | None = None
    """Of the cell's runs in the baseline, as a share; None where there are too few to know."""
    missing: str = ""
    """Why there is no baseline."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A pair with its verdict, and all that it rests on."""

    cell: str
    workload: str
    metric: Metric
    verdict: Change
    reason: str
    candidate: float | None = None
    """Median over the starts."""
    baseline: float | None = None
    effect: Effect | None = None
    """Candidate over baseline."""
    p: float | None = None
    adjusted: float | None = None
    """p among all pairs that were judged together."""
    starts: int = 0
    """Of the side that has fewer; 0 where none were needed."""
    limit: float | None = None
    """The smallest change for the worse that would have counted, as a share."""


def looks_much_worse(judged: Judged) -> bool:
    """Whether nothing can be told of a rate, and all that several starts gave is far worse: look again, then."""
    is_open = judged.verdict is Change.INCONCLUSIVE and judged.metric in RATES
    if not is_open or judged.effect is None or judged.starts < 2:  # noqa: PLR2004 - one says nothing
        return False
    goodness = judged.effect if higher_is_better(judged.metric) else judged.effect.inverse()
    return goodness.high <= 1 - MUCH


def judge(pairs: Sequence[Pair], gates: ChangeGates | None = None) -> list[Judged]:
    """Judge all pairs of a run together: the more are looked at, the more must be shown of each."""
    gates = gates or ChangeGates()
    unfit = [_unfit(pair, gates) for pair in pairs]
    family = sum(bad is None for bad in unfit)
    tests = [None if bad else _test(pair, gates, family=family) for pair, bad in zip(pairs, unfit, strict=True)]
    adjusted = iter(benjamini_hochberg([test.p for test in tests if test]))
    return [
        bad or _judge(pair, gates, test=test or _Test(p=1.0), adjusted=next(adjusted), family=family)
        for pair, bad, test in zip(pairs, unfit, tests, strict=True)
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Test:
    p: float
    is_of_few: bool = False
    """Whether no order of so few starts would be significant: then it is a t test, and only large changes count."""


def _test(pair: Pair, gates: ChangeGates, *, family: int) -> _Test:
    ours, theirs = middles(pair.candidate.starts), middles(pair.baseline.starts)
    if smallest_p(len(ours), len(theirs)) * family > gates.rate:
        return _Test(p=welch(ours, theirs), is_of_few=True)
    return _Test(p=mann_whitney(ours, theirs))


def _unfit(pair: Pair, gates: ChangeGates) -> Judged | None:
    """What can be said without a calculation."""
    taken = pair.candidate.counted + pair.candidate.void
    if pair.candidate.void * 2 > taken or not pair.candidate.counted:
        reason = f"{pair.candidate.void} of {taken} samples are void; the last: {pair.candidate.reason}"
        return _said(pair, Change.VOID, reason if taken else "no sample was taken")
    if not pair.baseline.counted:
        return _said(pair, Change.INCONCLUSIVE, pair.missing or "the baseline has no sample that counts")
    if pair.metric in EXACT:
        return _exact(pair, gates)
    if pair.candidate.noisy or pair.baseline.noisy:
        return _noisy(pair, gates)
    ours, theirs = (len(middles(side.starts)) for side in (pair.candidate, pair.baseline))
    if min(ours, theirs) < 2:  # noqa: PLR2004
        reason = f"{_starts(ours, theirs)}: one start says nothing of the noise between starts"
        return _said(pair, Change.INCONCLUSIVE, reason)
    return None


def _exact(pair: Pair, gates: ChangeGates) -> Judged:
    """A difference is what it is."""
    ours, theirs = (float(np.median(middles(side.starts))) for side in (pair.candidate, pair.baseline))
    ratio = ours / theirs if theirs else 1.0
    found = Effect(ratio=ratio, low=ratio, high=ratio)
    verdict, reason = _verdict(
        goodness=found if higher_is_better(pair.metric) else found.inverse(),
        limit=gates.least,
        bearable=gates.tolerance * gates.least,
        is_significant=True,
    )
    said = _said(pair, verdict, reason)
    return replace(said, candidate=ours, baseline=theirs, effect=found, limit=gates.least)


def _noisy(pair: Pair, gates: ChangeGates) -> Judged:
    """What the intervals allow to say: that it is not worse. A noisy figure raises no alarm, and is tested with no
    other: what disturbs it is no chance that a test knows.
    """
    ours, theirs = (float(np.median(middles(side.starts))) for side in (pair.candidate, pair.baseline))
    (low, high), (least, most) = pair.candidate.span, pair.baseline.span
    limit = max(gates.least, gates.mads * (pair.mad or 0.0))
    if not (theirs and least and most):
        return _said(pair, Change.INCONCLUSIVE, f"noisy: {pair.candidate.noisy or pair.baseline.noisy}")
    found = Effect(ratio=ours / theirs, low=low / most, high=high / least)
    goodness = found if higher_is_better(pair.metric) else found.inverse()
    verdict, words = _verdict(
        goodness=goodness, limit=limit, bearable=min(gates.tolerance * limit, 0.5), is_significant=False
    )
    whose = "" if pair.candidate.noisy else "the baseline is "
    if verdict is not Change.PASS:
        verdict, words = Change.INCONCLUSIVE, f"{words.partition(':')[0]}: a noisy figure raises no alarm"
    said = _said(pair, verdict, f"{words}; {whose}noisy: {pair.candidate.noisy or pair.baseline.noisy}")
    starts = min(len(pair.candidate.starts), len(pair.baseline.starts))
    return replace(said, candidate=ours, baseline=theirs, effect=found, starts=starts, limit=limit)


def _judge(pair: Pair, gates: ChangeGates, *, test: _Test, adjusted: float, family: int) -> Judged:
    ours, theirs = middles(pair.candidate.starts), middles(pair.baseline.starts)
    found = effect(ours, theirs, level=gates.level, resamples=gates.resamples)
    least = max(gates.least, gates.mads * (pair.mad or 0.0))
    limit = max(least, gates.large) if test.is_of_few else least
    verdict, reason = _verdict(
        goodness=found if higher_is_better(pair.metric) else found.inverse(),
        limit=limit,
        bearable=min(gates.tolerance * least, 0.5),
        is_significant=adjusted <= gates.rate,
    )
    if verdict is Change.INCONCLUSIVE:
        reason += f"; {_starts(len(ours), len(theirs))}"
        if test.is_of_few:
            reason += f" show {limit:.0%} and more" + (f" among {family} metrics" if family > 1 else "")
    return Judged(
        cell=pair.cell,
        workload=pair.workload,
        metric=pair.metric,
        verdict=verdict,
        reason=reason,
        candidate=float(np.median(ours)),
        baseline=float(np.median(theirs)),
        effect=found,
        starts=min(len(ours), len(theirs)),
        p=test.p,
        adjusted=adjusted,
        limit=limit,
    )


def _verdict(*, goodness: Effect, limit: float, bearable: float, is_significant: bool) -> tuple[Change, str]:
    """`goodness` above 1 is better. A limit of 3 % is a ratio of 0.97, or of 1/0.97 the other way."""
    words = _change(goodness.ratio)
    if goodness.low != goodness.high:
        words += f" ({_change(goodness.low)} to {_change(goodness.high)})"
    is_shown = is_significant and not goodness.low <= 1 <= goodness.high
    if is_shown and goodness.ratio <= 1 - limit:
        return Change.REGRESS, words
    if is_shown and goodness.ratio >= 1 / (1 - min(limit, 0.99)):
        return Change.IMPROVE, words
    if goodness.low > 1 - bearable:
        return Change.PASS, f"{words}, {limit:.1%} would count" if goodness.ratio < 1 else words
    if goodness.ratio <= 1 - limit:
        return Change.INCONCLUSIVE, f"{words}: it looks worse, which chance can do, too"
    return Change.INCONCLUSIVE, f"{words}: {bearable:.0%} worse is not excluded"


def _change(ratio: float) -> str:
    """`5.1 % worse`, `0.4 % better`."""
    share = abs(ratio - 1)
    return f"{share:.1%} {'worse' if ratio < 1 else 'better'}"


def _starts(ours: int, theirs: int) -> str:
    return f"{ours} starts beside {theirs} of the baseline"


def _said(pair: Pair, verdict: Change, reason: str) -> Judged:
    return Judged(cell=pair.cell, workload=pair.workload, metric=pair.metric, verdict=verdict, reason=reason)


def group(values: Sequence[tuple[int, float]]) -> tuple[tuple[float, ...], ...]:
    """Values with the number of their start, grouped by it."""
    line = sorted(values, key=lambda one: one[0])
    return tuple(tuple(value for _, value in each) for _, each in itertools.groupby(line, key=lambda one: one[0]))
