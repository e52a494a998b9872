"""Work that a server does request by request: embeddings, images, detections. What is sent, and what one unit of it is.

A recipe declares it in `probes.work`, and then has rates in its own unit, latencies, and how both change with the size
of a batch, the number of clients and random arrivals:

    probes:
      model: minilm-l6-int8
      work:
        tasks:
          - name: embed
            unit: embeddings                # printed as embeddings/s
            http:
              path: /v1/embeddings          # POST, unless method says otherwise
              body: {input: "{inputs}"}     # the batch's inputs as a list; "{input}" is one, "{batch}" their number
            inputs: {sentences: 16}         # fresh sentences of about 16 words, so that no cache knows an answer
            count: length(data)             # JMESPath over the answer; or units: 4; without both, one for each input
            expect: {values: {"data[0].embedding": {length: 384}}}
            batches: [1, 8, 32]             # each by one client
            clients: [1, 4, 16]             # each with the first batch
            arrivals: [20]                  # a second, at random moments, with the first batch

Other inputs: `{values: [...]}`, any JSON, taken in turn; `{files: [astronaut.jpg, coffee.jpg]}`, files of the recipe's
folder. A file is sent as the whole body where the request has neither `body` nor `form`; as a field of a form where it
says `form: {image: "{file}", threshold: "0.5"}`, once for each of the batch; and in base64 where `body` has "{input}"
or "{inputs}". `item` says what stands for one input in a list: `item: {image: "data:image/jpeg;base64,{input}"}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from bakehouse.model.cases import Expected, HeaderName, require_expression
from bakehouse.model.field_types import (
    Count,
    EnvName,
    Line,
    Model,
    Name,
    OneLine,
    PathInImage,
    PathInside,
    Port,
    Rate,
    Seconds,
    UrlPath,
)
from bakehouse.model.text_format import Format

INPUT, INPUTS, BATCH, FILE = "{input}", "{inputs}", "{batch}", "{file}"
"""What is filled in: one input, the batch's as a list, their number, and an input's file."""
_PLACEHOLDER = re.compile(r"\{[a-z]+\}")

WorkUnit = Annotated[
    str,
    Format(
        pattern=r"^[a-z]+(?:[ -][a-z]+)*$",
        longest=24,
        expected="a plural in lower-case letters, like images, embeddings, detections or requests",
    ),
]
"""What one piece of work is called, in the plural."""


Expression = Annotated[Line, AfterValidator(require_expression)]
"""JMESPath over an answer's JSON: `length(data)`."""


class Inputs(Model):
    """What the requests are about, each input in its turn; one of the three."""

    values: Annotated[tuple[Any, ...], Field(min_length=1, max_length=10_000)] | None = None
    """Any JSON."""
    files: Annotated[tuple[PathInside, ...], Field(min_length=1, max_length=1000)] | None = None
    """Of the recipe's folder."""
    sentences: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """English text of about so many words, never the same twice."""

    @model_validator(mode="after")
    def _one(self) -> Inputs:
        if sum(each is not None for each in (self.values, self.files, self.sentences)) != 1:
            raise ValueError("must name one of values, files, sentences")
        return self


class TaskRequest(Model):
    """What is sent to the server for one batch."""

    method: Literal["POST", "PUT"] = "POST"
    path: UrlPath
    headers: dict[HeaderName, OneLine] = {}
    body: Any = None
    """A mapping or a list is sent as JSON, text as it is, with {input}, {inputs} and {batch} filled in."""
    form: dict[Line, OneLine] | None = None
    """Fields of `multipart/form-data`; "{file}" is an input's file, with the media type that its name says."""

    @model_validator(mode="after")
    def _one_body(self) -> TaskRequest:
        if self.form is not None and self.body is not None:
            raise ValueError("names a body and a form, and may have only one")
        known = {INPUT, INPUTS, BATCH} if self.form is None else {INPUT, BATCH, FILE}
        for text in texts_in(self.form if self.form is not None else self.body):
            if _PLACEHOLDER.fullmatch(text) and text not in known:
                raise ValueError(f"nothing fills in {text}; known are {', '.join(sorted(known))}")
        return self

    @property
    def placeholders(self) -> set[str]:
        """Those that it holds."""
        found = "\n".join(texts_in(self.form if self.form is not None else self.body))
        return {each for each in (INPUT, INPUTS, BATCH, FILE) if each in found}


class Task(Model):
    """One kind of work, and how its rate is measured."""

    name: Name
    unit: WorkUnit
    http: TaskRequest
    inputs: Inputs
    item: Any = None
    """What stands for one input in {inputs}; without it, the input itself."""
    units: Count | None = None
    """Of each request. Without it and `count`, one for each input."""
    count: Expression | None = None
    """Of one request, in its answer."""
    operations: Annotated[int, Field(ge=1, le=10**18)] | None = None
    """Arithmetic operations that one unit takes at least, a multiplication and an addition being two: by the model's
    makers, or counted. The rate is then held against what the device computes."""
    expect: Expected = Expected()
    """Of each answer; what lacks it voids the measurement."""
    batches: Annotated[tuple[Annotated[int, Field(ge=1, le=10_000)], ...], Field(min_length=1)] = (1,)
    """Inputs of one request, measured with one client."""
    clients: Annotated[tuple[Annotated[int, Field(ge=1, le=1000)], ...], Field(min_length=1)] = (1,)
    """Who ask at the same time, each again as soon as it is answered; measured with the first batch."""
    arrivals: tuple[Rate, ...] = ()
    """Requests a second that come at random moments, answered or not; with the first batch."""

    @model_validator(mode="after")
    def _fits(self) -> Task:
        if self.units is not None and self.count is not None:
            raise ValueError("names units and count, and may have only one")
        held, batched = self.http.placeholders, max(self.batches) > 1
        sends_file = self.inputs.files is not None and self.http.body is None and self.http.form is None
        if FILE in held and self.inputs.files is None:
            raise ValueError(f"http.form holds {FILE}, and inputs name no files")
        if not sends_file and not held & {INPUT, INPUTS, FILE}:
            raise ValueError(f"http holds no {INPUT}, {INPUTS} or {FILE}: all requests would be the same")
        if batched and not held & {INPUTS, FILE}:
            raise ValueError(f"batches of more than 1 need {INPUTS} in http.body, or {FILE} in http.form")
        for name in ("batches", "clients", "arrivals"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name} has a value twice")
        return self


class WorkLimits(Model):
    """What a user still calls quick, in seconds. A request that keeps it counts for goodput."""

    latency: Seconds | None = None


ADDRESS = "{address}"
"""What is filled in where a server is told of the one behind it: `http://HOST:PORT`."""


class Behind(Model):
    """A server that the measured one passes its requests on to, as a gateway does; a container of the same image.

    Requests with one client are then also sent to it, in turn: the difference is what the measured one adds.
    """

    command: Annotated[tuple[Line, ...], Field(min_length=1)]
    mounts: dict[PathInside, PathInImage] = {}
    """Files and folders below the recipe's to paths in the container, read-only."""
    port: Port
    env: dict[EnvName, OneLine]
    """Variables that tell the measured server of it, in place of those of the probes; "{address}" is its address."""
    ready: UrlPath
    """Path of the measured server that says 200 as soon as it has found what is behind it."""

    @model_validator(mode="after")
    def _told(self) -> Behind:
        if not any(ADDRESS in value for value in self.env.values()):
            raise ValueError(f"env holds no {ADDRESS}: the measured server would not know what is behind it")
        return self


class MeasuredWork(Model):
    """The rates of work that is not only tokens."""

    tasks: Annotated[tuple[Task, ...], Field(min_length=1)]
    behind: Behind | None = None
    """What the server passes requests on to."""
    starts: Count = 3
    """Container starts; noise between starts is larger than within one."""
    repetitions: Count = 5
    """Repetitions in each start: each lasts long enough to be exact, whatever the server's speed."""
    limits: WorkLimits = WorkLimits()

    @model_validator(mode="after")
    def _names_once(self) -> MeasuredWork:
        names = [task.name for task in self.tasks]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"tasks are listed twice: {', '.join(twice)}; give each a name of its own")
        return self


def texts_in(value: object) -> Iterator[str]:
    """All texts of a JSON value, keys left out."""
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts_in(each)
        case list() | tuple():
            for each in value:
                yield from texts_in(each)
        case _:
            return
