"""What a run is compared with: the last level of the history that was accepted, or a run that somebody pinned."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

import numpy as np
from pydantic import ValidationError

from bakehouse.formatting import count
from bakehouse.history.collect import Collected, Key, Run
from bakehouse.history.journal import Problem, Problems, read
from bakehouse.history.paired import kind
from bakehouse.history.terms import differences, remarks
from bakehouse.model.history import Decision, Terms
from bakehouse.model.report import Metric
from bakehouse.stats.changes import Segment, segments
from bakehouse.stats.direction import higher_is_better, is_judged
from bakehouse.stats.judge import ChangeGates, Judged, Pair, Side, judge
from bakehouse.stats.spread import mad, middles

STARTS = 30
"""The newest runs of a level are taken until they have so many starts. Older ones say less of today's machine; with
fewer, a night of 3 starts could show nothing: beside 30, its smallest p allows 54 metrics.
"""
MAD_NEEDS = 5
"""Runs from which on their spread is known."""
LOOKED_AT = 120
"""The newest runs in which levels are looked for."""
DECISIONS = "decisions.jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """A run of the history, for one key."""

    run: Run
    side: Side
    middle: float
    """Median over its starts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    runs: tuple[Earlier, ...] = ()
    mad: float | None = None
    history: tuple[Earlier, ...] = ()
    """All comparable runs, oldest first; `levels` are cut from them."""
    levels: tuple[Segment, ...] = ()
    is_pinned: bool = False
    missing: str = ""
    """Why there is none."""
    remarks: tuple[str, ...] = ()
    """What one should know: levels that were not accepted, other kernels."""

    @property
    def side(self) -> Side:
        """All starts of its runs."""
        if len(self.runs) == 1:
            return self.runs[0].side
        starts = tuple(itertools.chain.from_iterable(earlier.side.starts for earlier in self.runs))
        return Side(starts=starts, void=sum(earlier.side.void for earlier in self.runs))


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    judged: Judged
    baseline: Baseline


def compare(
    candidate: Collected,
    history: Collected,
    *,
    run: str,
    decisions: Sequence[Decision] = (),
    gates: ChangeGates | None = None,
) -> list[Compared]:
    """Judge one run's metrics beside the history. The run itself may stand in it, and runs after it.

    What is short is judged only where a slower or faster image got another length, of which there is no history.
    """
    gates = gates or ChangeGates()

    def found(one: tuple[Key, Run, Terms, Side]) -> tuple[Key, Side, Baseline]:
        key, ours, terms, side = one
        return key, side, find(history, key, terms, run=run, before=ours.time, decisions=decisions, gates=gates)

    ours = [
        (key, *one)
        for key in candidate.columns
        if is_judged(key.metric)
        for one in candidate.sides(key)
        if one[0].name == run
    ]
    taken = [found(one) for one in ours if not candidate.is_short(one[0], run)]
    unpaired = {_without_length(key) for key, _, baseline in taken if baseline.missing}
    short = [one for one in ours if candidate.is_short(one[0], run) and _without_length(one[0]) in unpaired]
    taken += [one for one in map(found, short) if not one[2].missing]
    judged = judge([_pair(*one) for one in taken], gates)
    return [Compared(judged=one, baseline=baseline) for one, (_, _, baseline) in zip(judged, taken, strict=True)]


def _without_length(key: Key) -> tuple[str, str, str]:
    return key.cell, kind(key.workload), key.metric


def _pair(key: Key, side: Side, found: Baseline) -> Pair:
    return Pair(
        cell=key.cell,
        workload=key.workload,
        metric=cast("Metric", key.metric),
        candidate=side,
        baseline=found.side,
        mad=found.mad,
        missing=found.missing,
    )


def find(
    history: Collected,
    key: Key,
    terms: Terms,
    *,
    run: str,
    before: datetime,
    decisions: Sequence[Decision] = (),
    gates: ChangeGates | None = None,
) -> Baseline:
    """The baseline of one key, and in words why there is none."""
    gates = gates or ChangeGates()
    pinned, accepted = _decided(key.cell, decisions)
    earlier = [
        one for one in history.sides(key) if one[0].name != run and (one[0].time < before or one[0].name == pinned)
    ]
    unlike = {id(theirs): differences(terms, theirs) for theirs in {id(one[1]): one[1] for one in earlier}.values()}
    refused = Counter("; ".join(unlike[id(theirs)][:3]) for _, theirs, _ in earlier if unlike[id(theirs)])
    usable = [
        one
        for one in earlier
        if not unlike[id(one[1])] and one[2].counted and (not one[2].noisy or one[0].name == pinned)
    ]
    notes = Counter(note for _, theirs, _ in usable[-LOOKED_AT:] for note in remarks(terms, theirs))
    alike = [
        Earlier(run=each, side=side, middle=float(np.median(middles(side.starts))))
        for each, _, side in (usable if pinned else usable[-LOOKED_AT:])
    ]
    if pinned:
        return _pinned(key, alike, earlier, terms, name=pinned)
    if not alike:
        return Baseline(missing=_nothing(len(earlier), refused))
    levels = _levels(alike)
    chosen, remark = _accepted(key, alike, levels, accepted=accepted, gates=gates)
    runs = alike[chosen.begin : chosen.end]
    values = [one.middle for one in runs if one.middle > 0]
    return Baseline(
        runs=_newest(runs),
        mad=mad(values) if len(values) >= MAD_NEEDS else None,
        history=tuple(alike),
        levels=tuple(levels),
        remarks=(*remark, *(f"{note} (in {count(number, 'run')})" for note, number in notes.items())),
    )


def _newest(runs: Sequence[Earlier]) -> tuple[Earlier, ...]:
    taken: list[Earlier] = []
    for one in reversed(runs):
        if sum(len(each.side.starts) for each in taken) >= STARTS:
            break
        taken.insert(0, one)
    return tuple(taken)


def read_decisions(folder: Path, problems: Problems) -> list[Decision]:
    """What people decided, in order; nothing where the file is not there."""
    path = folder / DECISIONS
    found: list[Decision] = []
    if not path.exists():
        return found
    for number, record in read(path, problems):
        try:
            found.append(Decision.model_validate(record))
        except ValidationError as error:
            message = f"is no decision ({error.errors(include_url=False)[0]['msg']}); kept and not used"
            problems.add(Problem(path=path, line=number, kind="corrupt", message=message))
    return sorted(found, key=lambda one: one.time.timestamp())


def _decided(cell: str, decisions: Sequence[Decision]) -> tuple[str, set[str]]:
    """The run that is pinned, or nothing; and runs whose levels were accepted."""
    pinned, accepted = "", set()
    for decision in decisions:
        if decision.cell != cell:
            continue
        match decision.kind:
            case "pin":
                pinned = decision.run
            case "unpin":
                pinned = ""
            case "accept":
                accepted.add(decision.run)
    return pinned, accepted


def _pinned(
    key: Key, alike: Sequence[Earlier], known: Sequence[tuple[Run, Terms, Side]], terms: Terms, *, name: str
) -> Baseline:
    found = tuple(one for one in alike if one.run.name == name)
    if found:
        return Baseline(runs=found, is_pinned=True, history=tuple(alike))
    theirs = next((their for run, their, _ in known if run.name == name), None)
    if theirs is None:
        why = f"run {name}, which is pinned, has no {key.workload} {key.metric} of {key.cell} in the history"
    else:
        reasons = differences(terms, theirs) or ["none of its samples counts"]
        why = f"run {name}, which is pinned, cannot be compared: {'; '.join(reasons)}"
    return Baseline(missing=why, is_pinned=True)


def _nothing(earlier: int, refused: Counter[str]) -> str:
    if not earlier:
        return "the history has no earlier run of it"
    if not refused:
        return f"of {count(earlier, 'earlier run')} none is exact"
    reasons = ", ".join(f"{why} ({number})" if number > 1 else why for why, number in refused.most_common(3))
    return f"none of {count(earlier, 'earlier run')} can be compared: {reasons}"


def _levels(alike: Sequence[Earlier]) -> list[Segment]:
    values = [one.middle for one in alike]
    if min(values) <= 0:  # a level needs logarithms
        return [Segment(begin=0, end=len(values), level=float(np.median(values)))]
    return segments(values)


def _accepted(
    key: Key, alike: Sequence[Earlier], levels: Sequence[Segment], *, accepted: set[str], gates: ChangeGates
) -> tuple[Segment, list[str]]:
    """The newest level that is not worse than the one that was accepted before it, or that somebody accepted.

    Otherwise a regression that is not fixed would be the baseline after three nights.
    """
    sign = 1 if higher_is_better(cast("Metric", key.metric)) else -1
    chosen = levels[0]
    said: list[str] = []
    for level in levels[1:]:
        ratio = (level.level / chosen.level) ** sign if chosen.level and level.level else 1.0
        names = [one.run.name for one in alike[level.begin : level.end]]
        if ratio > 1 - gates.least or accepted & set(names):
            chosen, said = level, []
        else:
            worse = f"since run {names[0]} it is {1 - ratio:.1%} worse, which was not accepted"
            said = [f"{worse}; compared with the level before"]
    return chosen, said
