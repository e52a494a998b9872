"""Every sample as soon as it is taken, on disk. A run that is cut off and goes on takes up its measurements there.

At most the repetition that was running is lost: in `tests/notebook/WORKER.jsonl` of the run's folder, a line is added
for each sample, and one when a container start was taken to its end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from bakehouse.model.report import Metric, Record, Sample
from bakehouse.model.suite import Side
from bakehouse.probes.series import Samples

FOLDER = "notebook"


class Series(Record, frozen=True):
    """What belongs together: the samples of one image under the same conditions."""

    cell: str
    side: Side
    image: str
    name: str
    """`rates`, or that of a load."""
    settings: str
    """Fingerprint of what must be equal."""


class SampleLine(Record):
    kind: Literal["sample"] = "sample"
    series: Series
    workload: str
    metric: Metric
    sample: Sample


class StartLine(Record):
    kind: Literal["start"] = "start"
    series: Series
    start: int


_LINE: TypeAdapter[SampleLine | StartLine] = TypeAdapter(Annotated[SampleLine | StartLine, Field(discriminator="kind")])


class SampleLog:
    """The log of one worker, which can read those of the others."""

    def __init__(self, tests: Path, worker: str) -> None:
        self._folder = tests / FOLDER
        self._own = self._folder / f"{worker}.jsonl"
        self._looked = False

    def samples(self, *, cell: str, side: Side, image: str, name: str, settings: Mapping[str, Any]) -> Samples:
        """Go on with what an earlier attempt at this run took of the same image under the same settings."""
        fingerprint = hashlib.sha256(to_json(settings)).hexdigest()[:16]
        series = Series(cell=cell, side=side, image=image, name=name, settings=fingerprint)
        samples = Samples()
        for line in self._earlier.get(series, ()):
            if isinstance(line, StartLine):
                samples.end_start(line.start)
            else:
                samples.add(line.workload, line.metric, line.sample)
        samples.keep = partial(self._keep, series)
        samples.keep_start = partial(self._keep_start, series)
        return samples

    def _keep(self, series: Series, workload: str, metric: Metric, sample: Sample) -> None:
        self._append(SampleLine(series=series, workload=workload, metric=metric, sample=sample))

    def _keep_start(self, series: Series, number: int) -> None:
        self._append(StartLine(series=series, start=number))

    def _append(self, line: SampleLine | StartLine) -> None:
        if not self._looked:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._end_torn_line()
            self._looked = True
        with self._own.open("ab") as file:
            file.write(line.model_dump_json().encode() + b"\n")

    def _end_torn_line(self) -> None:
        """So that what a crash left of a line spoils no other."""
        if self._own.exists() and not self._own.read_bytes().endswith(b"\n"):
            with self._own.open("ab") as file:
                file.write(b"\n")

    @cached_property
    def _earlier(self) -> Mapping[Series, Sequence[SampleLine | StartLine]]:
        """What all workers of earlier attempts wrote. Read once: what this attempt writes, it need not read."""
        found: dict[Series, list[SampleLine | StartLine]] = {}
        for line in self._lines():
            found.setdefault(line.series, []).append(line)
        return found

    def _lines(self) -> Iterator[SampleLine | StartLine]:
        """What a crash tore is left out."""
        for path in sorted(self._folder.glob("*.jsonl")):
            for raw in path.read_bytes().splitlines():
                try:
                    yield _LINE.validate_json(raw)
                except ValidationError:
                    continue
