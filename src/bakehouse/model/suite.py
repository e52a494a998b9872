"""What the image suite is told: `suite.json` in the run's folder, written before pytest starts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bakehouse.model.cases import Case
from bakehouse.model.matrix import Toolkit
from bakehouse.model.question import Question
from bakehouse.model.recipe import Health, Limits, Load
from bakehouse.model.report import Record
from bakehouse.model.serving import ServerName, Start
from bakehouse.model.work import Behind, Task, WorkLimits


class Workload(Record):
    """The throughput probe of one subject. Rates are those of one prompt, pp, then of one answer, tg."""

    model_path: str
    """The GGUF on this machine; mounted read-only."""
    model: str = ""
    """Its name in the matrix's `models`, or that of the file that was given."""
    model_sha256: str
    prompt_tokens: int
    output_tokens: int
    starts: int
    repetitions: int
    question: Question | None = None
    loads: list[Load] = []
    """Measured beside pp and tg."""
    load_repetitions: int = 2
    limits: Limits = Limits()
    api: str = ""
    """`openai`, or the family's name for a /completion that says the server's timings."""

    @property
    def is_openai(self) -> bool:
        """Whether it speaks no other words than /v1/completions and /v1/chat/completions."""
        return self.api == "openai"


class WorkToMeasure(Record):
    """What one subject does request by request, and how long it is looked at."""

    model: str = ""
    """Its name in the matrix's `models`; empty where it serves none."""
    model_sha256: str = ""
    tasks: list[Task]
    starts: int
    repetitions: int
    limits: WorkLimits = WorkLimits()
    behind: Behind | None = None
    seconds: float = 1.0
    """Of one repetition, about: as many requests are sent as take so long."""


Side = Literal["candidate", "baseline"]
"""Of a comparison in turn. Without one, there is a candidate only."""


class BaselineImage(Record):
    """The image that a subject is measured in turn with. It gets the subject's arguments, model and devices."""

    reference: str
    """Its ID in the engine's store."""
    name: str
    """For people: what was asked for."""
    bytes_compressed: int | None = None


class Subject(Record):
    """One built image and what it must do."""

    cell: str
    recipe: str
    accelerator: str
    reference: str
    digest: str
    platform: str
    port: int
    """The port it listens on by default."""
    version: str
    """What `--version` must contain, as the family says it."""
    plugins: list[str]
    """File names of the backend plugins in the image, as the recipe's targets are called."""
    health: Health
    memory_limit: str
    shm: str | None = None
    """Size of /dev/shm, where the recipe names one."""
    args: list[str] = Field(default_factory=list)
    env: dict[str, str] = Field(default_factory=dict)
    mounts: dict[str, str] = Field(default_factory=dict)
    """Below the recipe's folder, to paths in the container."""
    web_ui: bool = False
    """Whether the recipe says that the server carries its own web page."""
    workload: Workload | None = None
    work: WorkToMeasure | None = None
    toolkit: Toolkit | None = None
    """With the drivers that it wants."""
    archs: list[str] = Field(default_factory=list)
    """What the backend holds native code for."""
    runs_on: list[str] = Field(default_factory=list)
    """Archs of the cards that run this code; empty: any card of the accelerator."""
    ptx: bool = False
    """Whether cards that are newer than the code may compile it."""
    bytes_compressed: int | None = None
    """What a registry would send of the image; None: not looked up."""
    baseline: BaselineImage | None = None
    model_path: str | None = None
    """A model for the probes that need a serving server; the workload's, where there is one."""
    models_beside: list[str] = Field(default_factory=list)
    """Files that lie in the model's folder."""
    server: ServerName
    start: Start = Start()
    """With what the family says, so nothing of it is left out."""
    cases: list[Case] = Field(default_factory=list)
    recipe_folder: str = ""
    """Absolute: where cases find their files."""

    def of_baseline(self) -> Subject | None:
        """The same, with the image that this one is measured in turn with; None where there is none."""
        other = self.baseline
        if other is None:
            return None
        changes = {"reference": other.reference, "digest": other.reference, "bytes_compressed": other.bytes_compressed}
        return self.model_copy(update=changes | {"baseline": None})


Client = Literal["bakehouse", "aiperf"]
"""Who makes the load: our own client, or a program that is installed on this machine."""


class Served(Record):
    """A server that somebody else has started, and ends."""

    url: str
    device: str = "cpu"
    """What it computes on, by the name that reports have for it."""


class Suite(Record):
    run: str
    run_folder: str
    """Absolute. Results go to `tests/*.jsonl` (one file a worker), container logs to `logs/`."""
    cache: str
    """Absolute: leases live in `leases/`."""
    calibrate: bool = False
    """Whether the family's benchmark program runs beside each start."""
    client: Client = "bakehouse"
    measure_for: float | None = None
    """Seconds that testing and measuring may take together. None: as long as the starts take."""
    began: float = 0.0
    """When this attempt at the run began to test: seconds since 1970."""
    is_fixed: bool = False
    """Whether each measurement takes a fixed number of starts, whatever it finds."""
    served: Served | None = None
    """The one server that all tests ask. None: the suite starts containers."""
    subjects: list[Subject]
