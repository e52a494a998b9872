"""What a CI run has to do: which machines build what, and which test it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bakehouse.planning.shards import Shard


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildJob:
    name: str
    """`1 of 3`."""
    cells: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TestJob:
    __test__ = False

    card: str
    """A name of the catalogue, or `cpu`."""
    labels: tuple[str, ...]
    cells: tuple[str, ...]
    """Those that the card runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Jobs:
    build: tuple[BuildJob, ...]
    test: tuple[TestJob, ...]
    untested: tuple[str, ...]
    """Cells that no runner has a card for: built and proven, and never run."""


def jobs(shards: Sequence[Shard], runners: Mapping[str, Sequence[str]], fitting: Mapping[str, Sequence[str]]) -> Jobs:
    """`fitting`: cells that each runner's card runs."""
    test = tuple(
        TestJob(card=card, labels=tuple(labels), cells=tuple(fitting[card]))
        for card, labels in runners.items()
        if fitting.get(card)
    )
    tested = {name for job in test for name in job.cells}
    cells = sorted(name for shard in shards for name in shard.cells)
    return Jobs(
        build=tuple(
            BuildJob(name=f"{number} of {len(shards)}", cells=shard.cells, seconds=shard.seconds)
            for number, shard in enumerate(shards, start=1)
        ),
        test=test,
        untested=tuple(name for name in cells if name not in tested),
    )


def for_github(found: Jobs) -> str:
    """Lines for $GITHUB_OUTPUT: lists that `fromJSON` turns into matrices. Cells are words with blanks between."""
    build = [{"name": job.name, "cells": " ".join(job.cells)} for job in found.build]
    test = [{"card": job.card, "labels": list(job.labels), "cells": " ".join(job.cells)} for job in found.test]
    return f"build={_line(build)}\ntest={_line(test)}\n"


def for_programs(found: Jobs) -> dict[str, Any]:
    return {
        "build": [{"name": job.name, "cells": list(job.cells), "seconds": round(job.seconds)} for job in found.build],
        "test": [{"card": job.card, "labels": list(job.labels), "cells": list(job.cells)} for job in found.test],
        "untested": list(found.untested),
    }


def _line(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
