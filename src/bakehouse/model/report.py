"""What a run records. `run.json` is a `RunReport`; every other report is drawn from it.

Read back years later, so: a schema version, plain units in the names (seconds, bytes, tokens per second), and raw
samples instead of averages.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from bakehouse.model.enums import Disturbance, Grade, Verdict
from bakehouse.model.field_types import Unit
from bakehouse.model.limit import Limit, ModelWork

SCHEMA_VERSION = 1
METRIC_DEFINITIONS = 1
"""Version of the metrics' definitions in docs/reports.md. Rates of different versions are not compared."""


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Attempt(Record):
    """One place that was tried for a base, a source or a model."""

    place: str
    """For people: `registry docker.io/library/debian:trixie-slim`."""
    ok: bool
    message: str = ""
    """Why not, or what was found."""


class Supplied(Record):
    """What a name in the matrix stood for in this run."""

    kind: Literal["base", "source", "model", "tool"]
    name: str
    attempts: list[Attempt]
    identity: str
    """Digest, sha256 or commit of what was used."""
    locked: bool
    """Whether the lockfile had pinned it."""


class Host(Record):
    """The machine that built, or one that tested."""

    name: str
    os: str
    kernel: str
    platform: str
    cpu: str
    cores: int
    memory_bytes: int
    engine: str
    """Version, and whether it is the embedded one."""
    buildx: str
    gpus: list[str] = []


class Step(Record):
    """One vertex of the build graph."""

    name: str
    started: datetime | None = None
    completed: datetime | None = None
    cached: bool = False
    error: str = ""

    @property
    def seconds(self) -> float:
        return (self.completed - self.started).total_seconds() if self.started and self.completed else 0.0


class BuildResult(Record):
    verdict: Verdict
    reason: str = ""
    image: str = ""
    """ID of the image in the engine's store; a tag can be moved by another run, this cannot."""
    seconds: float
    """Wall time from the first to the last step that belongs to this cell."""
    steps: list[Step] = []
    log: str = ""
    """Path of the log file, relative to the run's folder."""
    tail: list[str] = []
    """Last lines of the failed step."""


class Layer(Record):
    digest: str
    bytes_compressed: int
    bytes_unpacked: int
    created_by: str


class Image(Record):
    reference: str
    digest: str
    """Digest of the manifest (what a registry would call it)."""
    bytes_unpacked: int
    bytes_compressed: int
    layers: list[Layer]
    labels: dict[str, str]
    packages: dict[str, str] = {}
    """Debian packages in the image: name to version."""


class Check(Record):
    """One proof at rest."""

    name: str
    verdict: Verdict
    message: str
    details: list[str] = []


class TestResult(Record):
    """One test of the image suite."""

    __test__ = False

    name: str
    """`test_health.py::test_becomes_healthy`, without the cell."""
    probe: str
    """smoke, health, throughput, or `recipe` for a recipe's own tests."""
    verdict: Verdict
    seconds: float
    message: str = ""
    container_log: str = ""
    """Path relative to the run's folder."""


class Sample(Record):
    """One repetition: what was asked and what came back."""

    start: int
    """Which container start, from 0."""
    repetition: int
    value: float
    verdict: Verdict = Verdict.PASSED
    """passed: right, also where something disturbed it; void: known to be wrong; skipped: nothing here could tell."""
    reason: str = ""
    """Why it is void or skipped, or what disturbed it."""
    disturbed: Disturbance | None = None
    """What took part while it was taken: it is right, and not as it would be alone."""
    raw: dict[str, Any] = {}
    """The server's own timings and the client's clock, as they were."""


Metric = Literal[
    "prompt_rate",
    "decode_rate",
    "system_rate",
    "system_prompt_rate",
    "request_rate",
    "goodput",
    "work_rate",
    "ttft",
    "ttft_p90",
    "ttft_p99",
    "itl",
    "itl_p90",
    "itl_p99",
    "tpot",
    "tpot_p90",
    "tpot_p99",
    "latency",
    "latency_p90",
    "latency_p99",
    "added_latency",
    "port_open",
    "time_to_healthy",
    "first_token",
    "first_answer",
    "steady",
    "memory",
    "create",
    "image_size",
    "energy_per_token",
    "energy_per_prompt_token",
    "energy_per_unit",
    "client_prompt_rate",
    "client_decode_rate",
    "unstreamed_decode_rate",
    "llama_bench_prompt_rate",
    "llama_bench_decode_rate",
    "client_to_server",
    "server_to_llama_bench",
    "request_overhead",
]
"""docs/metrics.md defines them. A time without a percentile is the median."""

REFERENCE_PROMPT_RATE: Final = "llama_bench_prompt_rate"
REFERENCE_DECODE_RATE: Final = "llama_bench_decode_rate"
SERVER_TO_REFERENCE: Final = "server_to_llama_bench"
"""Metrics of the family's own benchmark program. They are called after the first one that there was, as the reports and
histories that are kept have them."""


class Grading(Record):
    """What a measurement is worth, decided when it was taken. stats/grading.py has the rules."""

    grade: Grade
    low: float | None = None
    """The interval in which the figure lies, in the metric's unit. exact: 95 % of the median over container starts;
    noisy: all that was seen, the other clock's figures included where they differ."""
    high: float | None = None
    disturbances: list[Disturbance] = []
    """Why it is noisy, what explains most first."""
    reasons: list[str] = []
    """The same in detail, or why it is void."""


class Measurement(Record):
    """All samples of one metric of one workload on one cell."""

    workload: str
    """`pp512`, `tg128`."""
    metric: Metric
    unit: Unit
    definitions: int = METRIC_DEFINITIONS
    samples: list[Sample]
    settings: dict[str, Any] = {}
    """What must be equal for two measurements to be compared: model sha256, server arguments, threads."""
    client: str = ""
    """The program that made the load, with its version: `aiperf 0.13.0`. Empty: our own."""
    limits: list[Limit] = []
    """What the device allows at most, the one that binds first; empty where it is unknown."""
    grading: Grading | None = None
    """None: recorded before there were grades."""
    short: bool = False
    """Whether a longer workload is measured in its stead, because one sample of this lasts less than 200 ms. Shown,
    never gated, and judged only where the longer one has no baseline."""

    @property
    def grade(self) -> Grade:
        """Exact or void where it was recorded before there were grades."""
        if self.grading:
            return self.grading.grade
        return Grade.EXACT if any(sample.verdict is Verdict.PASSED for sample in self.samples) else Grade.VOID

    @property
    def used(self) -> list[Sample]:
        """The samples that its figures are made of: those that nothing disturbed, where there are any. void: none."""
        if self.grade is Grade.VOID:
            return []
        right = [sample for sample in self.samples if sample.verdict is Verdict.PASSED]
        return [sample for sample in right if not sample.disturbed] or right

    @property
    def counted(self) -> list[float]:
        """Values of the samples that are used."""
        return [sample.value for sample in self.used]


class BaselineReport(Record):
    """The image that a cell's was measured in turn with (`bench --compare`)."""

    name: str
    """What was asked for."""
    image: str
    """ID in the engine's store."""
    measurements: list[Measurement] = []


class CellReport(Record):
    """Everything about one cell. Written as `cells/NAME.json` as soon as the cell is finished."""

    name: str
    recipe: str
    accelerator: str
    toolkit: str | None = None
    arch: str | None = None
    flag_set: str
    platform: str
    archs: list[str] = []
    """What its plugin holds native code for."""
    ptx: str | None = None
    """The arch whose PTX it holds as well."""
    driver_floor: str | None = None
    """The oldest driver that runs all of it."""
    driver_floor_minor: str | None = None
    """The oldest driver that runs its native code."""
    size_budget: int | None = None
    """The most that the unpacked image may weigh, in bytes."""
    supplies: list[str] = []
    """Those of the run's supplies that it was made from or probed with: `base NAME`, `source NAME`, `model NAME`.
    Empty: nobody wrote them down, and any of the run's may be."""
    verdict: Verdict
    reason: str = ""
    """One line: why it is not passed."""
    finished: datetime | None = None
    """None while something of it is still to do; a resumed run goes on there."""
    build: BuildResult | None = None
    image: Image | None = None
    checks: list[Check] = []
    tests: list[TestResult] = []
    measurements: list[Measurement] = []
    model: ModelWork | None = None
    """What its model takes for each token. None: nothing was measured with one."""
    baseline: BaselineReport | None = None
    tested_by: str = ""
    """Name of the host in the matrix that tested it. Empty: the machine that built it."""
    host: Host | None = None
    """That host's machine, on which all tests ran and all rates were measured."""


class ExcludedRecord(Record):
    name: str
    reason: str
    rule: str
    link: str | None = None
    nearest: str | None = None
    """The cell that is most like it and can be built."""


class RunReport(Record):
    """`run.json`."""

    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    run: str
    """Name of the run's folder: UTC start time and a few letters of the plan's fingerprint."""
    bakehouse: str
    command: list[str]
    fingerprint: str
    revision: str = ""
    """Git commit of the project that was built, with `-dirty` where it had changes."""
    started: datetime
    finished: datetime | None = None
    """None while it runs, or when it was cut off."""
    verdict: Verdict
    host: Host
    supplies: list[Supplied] = []
    cells: list[CellReport] = []
    excluded: list[ExcludedRecord] = []

    def host_of(self, cell: CellReport) -> Host:
        """The machine on which a cell was tested."""
        return cell.host or self.host

    def supplies_of(self, cell: CellReport) -> list[Supplied]:
        """What a cell was made from and probed with; all of the run's where nobody wrote down which."""
        return [one for one in self.supplies if not cell.supplies or f"{one.kind} {one.name}" in cell.supplies]
