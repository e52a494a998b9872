"""Combinations that were not built, by reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bakehouse.model.report import ExcludedRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Exclusions:
    """Combinations that are missing for the same reason."""

    reason: str
    rule: str
    link: str
    """Empty where it is no web address."""
    names: tuple[tuple[str, tuple[str, ...]], ...]
    """The nearest cell that can be built (empty: there is none), to the combinations it is nearest to."""
    count: int


def exclusions(records: Sequence[ExcludedRecord]) -> tuple[Exclusions, ...]:
    """Grouped by their reason; the reason that takes most combinations first."""
    groups: dict[tuple[str, str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        link = record.link or ""
        key = (record.reason, record.rule, link if link.startswith(("https://", "http://")) else "")
        groups[key][record.nearest or ""].append(record.name)
    found = [
        Exclusions(
            reason=reason,
            rule=rule,
            link=link,
            names=tuple((nearest, tuple(sorted(names))) for nearest, names in sorted(by_nearest.items())),
            count=sum(map(len, by_nearest.values())),
        )
        for (reason, rule, link), by_nearest in groups.items()
    ]
    return tuple(sorted(found, key=lambda one: -one.count))
