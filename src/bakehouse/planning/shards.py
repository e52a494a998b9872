"""Divides the cells of a plan among machines that build side by side, so that all end at about the same time. Pure.

Each machine runs every stage that its cells need, once. So cells that share expensive stages belong together, and a
shard's length is that of all its different stages, not the sum over its cells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bakehouse.planning.stage_graph import CellWork

LEAST = 600.0
"""Seconds of work that are worth a machine of its own."""
ROUNDS = 40
"""Halvings of the interval in which the length is looked for; 2^-40 of it is left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """What one machine builds."""

    cells: tuple[str, ...]
    """Names, sorted."""
    seconds: float
    """Of all its stages, each counted once."""


def divide(
    works: Sequence[CellWork], seconds: Mapping[str, float], *, at_most: int, least: float = LEAST
) -> tuple[Shard, ...]:
    """At most so many shards, fewer where they would be shorter than `least`; the longest is as short as cells in the
    order of what they share allow. `seconds`: by the identity of a stage.
    """
    if not works:
        return ()
    ordered = _by_what_they_share(works, seconds)
    whole = _length({stage.identity for work in works for stage in work.stages}, seconds)
    count = min(at_most, len(works), max(1, int(whole / least))) if least else min(at_most, len(works))
    filled = _shortest(ordered, seconds, count)
    return tuple(
        Shard(
            cells=tuple(sorted(work.cell.name for work in shard)),
            seconds=_length({stage.identity for work in shard for stage in work.stages}, seconds),
        )
        for shard in filled
    )


def imbalance(shards: Sequence[Shard]) -> float:
    """The longest shard over the mean: 1 is even."""
    return max(shard.seconds for shard in shards) * len(shards) / sum(shard.seconds for shard in shards)


def _by_what_they_share(works: Sequence[CellWork], seconds: Mapping[str, float]) -> list[CellWork]:
    """Cells that share the most expensive stages stand next to each other."""
    users = Counter(stage.identity for work in works for stage in work.stages)
    shared = [identity for identity, count in users.items() if count > 1]
    shared.sort(key=lambda identity: (-seconds[identity] * (users[identity] - 1), identity))
    rank = {identity: position for position, identity in enumerate(shared)}

    def key(work: CellWork) -> tuple[list[int], str]:
        return sorted(rank[stage.identity] for stage in work.stages if stage.identity in rank), work.cell.name

    return sorted(works, key=key)


def _shortest(works: Sequence[CellWork], seconds: Mapping[str, float], count: int) -> list[list[CellWork]]:
    """The cut into at most `count` runs whose longest is shortest."""
    alone = [_length({stage.identity for stage in work.stages}, seconds) for work in works]
    whole = _length({stage.identity for work in works for stage in work.stages}, seconds)
    low, high = max([*alone, whole / count]), sum(alone)
    best = [list(works)] if count == 1 else list(_filled(works, seconds, high))
    for _ in range(ROUNDS if count > 1 else 0):
        limit = (low + high) / 2
        filled = list(_filled(works, seconds, limit))
        if len(filled) <= count:
            best, high = filled, limit
        else:
            low = limit
    return best


def _filled(works: Sequence[CellWork], seconds: Mapping[str, float], limit: float) -> Iterator[list[CellWork]]:
    """Shards filled one after the other, none longer than `limit` unless one cell alone is."""
    shard: list[CellWork] = []
    have: set[str] = set()
    length = 0.0
    for work in works:
        more = sum(seconds[stage.identity] for stage in work.stages if stage.identity not in have)
        if shard and length + more > limit:
            yield shard
            shard, have, length = [], set(), 0.0
            more = sum(seconds[stage.identity] for stage in work.stages)
        shard.append(work)
        have.update(stage.identity for stage in work.stages)
        length += more
    yield shard


def _length(identities: set[str], seconds: Mapping[str, float]) -> float:
    return sum(seconds[identity] for identity in sorted(identities))
