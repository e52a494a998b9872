"""The routes: `/extract` for any task, and `/caption`, `/detect`, `/ocr` for what is asked most."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request
from prometheus_client import Counter
from pydantic import Field
from service.pictures import decode
from service.pipeline import Pipeline
from service.refused import Refused
from service.uploads import Options, corners, receive
from service.web import Metrics, State, create, require_ready

from florence import __version__
from florence.model import Asked, Florence, Written
from florence.parsing import Size, parse
from florence.settings import FlorenceSettings
from florence.tasks import Box, check, read

DETAIL = {"short": "CAPTION", "detailed": "DETAILED_CAPTION", "paragraph": "MORE_DETAILED_CAPTION"}


class Prompted(Options):
    prompt: Annotated[str, Field(min_length=1)]
    """A task's token, and behind it the text that some tasks need: `<OPEN_VOCABULARY_DETECTION>a red car`."""
    bbox: str | Annotated[list[float], Field(min_length=4, max_length=4)] | None = None
    """For tasks about a part: x, y, width and height in pixels; in a form with commas between them."""


class Captioned(Options):
    detail: Literal["short", "detailed", "paragraph"] = "short"


class Sought(Options):
    text: Annotated[str, Field(min_length=1)] | None = None
    """What to look for; without it, whatever is there."""


class Lettered(Options):
    regions: bool = False
    """Whether it is said where each piece of text stands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    task: str
    asked: Asked
    written: Written
    result: Any
    """Parsed: a text, or lists of boxes and labels."""
    seconds: float

    def told(self, **more: Any) -> dict[str, Any]:
        return {
            **more,
            "complete": self.written.complete,
            "tokens": self.written.tokens,
            "image_width": self.asked.width,
            "image_height": self.asked.height,
            "inference_time_ms": round(self.seconds * 1000, 2),
        }


class Service:
    def __init__(self, settings: FlorenceSettings) -> None:
        self.settings = settings
        self.florence, self.metrics = Florence(settings), Metrics()
        self.state = State(self.florence, self.metrics)
        self.pipeline: Pipeline[Asked, Written] = Pipeline(self.florence.write, settings=settings, metrics=self.metrics)
        registry = self.metrics.registry
        self.tokens = Counter("inference_generated_tokens_total", "Tokens that were written.", registry=registry)

    async def answer(self, contents: list[bytes], name: str, *, text: str = "", box: Box | None = None) -> Answer:
        """Raises Refused."""
        task = check(name, text, region=box is not None, longest=self.settings.max_characters)
        if len(contents) != 1:
            raise Refused(422, f"{len(contents)} pictures; this takes one")
        gone = threading.Event()
        prepare = self._prepare(
            lambda picture: replace(self.florence.prepare(picture, task, text=text, box=box), gone=gone)
        )
        begin = time.perf_counter()
        try:
            (asked,), (written,) = await self.pipeline.run(contents, prepare)
        except asyncio.CancelledError:
            gone.set()
            raise
        self.tokens.inc(written.tokens)
        result = parse(task.form, written.text, Size(width=asked.width, height=asked.height))
        return Answer(task=name, asked=asked, written=written, result=result, seconds=time.perf_counter() - begin)

    def _prepare(self, work: Callable[[Any], Asked]) -> Callable[[bytes], Asked]:
        most = self.settings.max_pixels
        return lambda content: work(decode(content, max_pixels=most, enough=self.florence.size))


def application(settings: FlorenceSettings) -> FastAPI:
    service = Service(settings)
    ends = {"opened": service.pipeline.open, "closed": service.pipeline.close}
    app = create(service.state, settings=settings, title="florence", version=__version__, **ends)

    @app.post("/extract")
    async def extract(request: Request) -> dict[str, Any]:
        """Any task; the result has the form that Florence-2's own processor gives it."""
        require_ready(service.state)
        contents, question = await receive(request, Prompted, settings)
        name, text = read(question.prompt)
        answer = await service.answer(contents, name, text=text, box=corners(question.bbox))
        return answer.told(task=f"<{name}>", result=answer.result)

    @app.post("/caption")
    async def caption(request: Request) -> dict[str, Any]:
        require_ready(service.state)
        contents, question = await receive(request, Captioned, settings)
        answer = await service.answer(contents, DETAIL[question.detail])
        return answer.told(caption=answer.result)

    @app.post("/detect")
    async def detect(request: Request) -> dict[str, Any]:
        require_ready(service.state)
        contents, question = await receive(request, Sought, settings)
        name = "OPEN_VOCABULARY_DETECTION" if question.text else "OD"
        answer = await service.answer(contents, name, text=question.text or "")
        labels = answer.result["bboxes_labels" if question.text else "labels"]
        return answer.told(detections=_detections(answer.result["bboxes"], labels))

    @app.post("/ocr")
    async def ocr(request: Request) -> dict[str, Any]:
        require_ready(service.state)
        contents, question = await receive(request, Lettered, settings)
        if not question.regions:
            answer = await service.answer(contents, "OCR")
            return answer.told(text=answer.result)
        answer = await service.answer(contents, "OCR_WITH_REGION")
        labels, quads = answer.result["labels"], answer.result["quad_boxes"]
        regions = [{"text": label, "quad": quad} for label, quad in zip(labels, quads, strict=True)]
        return answer.told(text="\n".join(labels), regions=regions)

    return app


def _detections(boxes: list[list[int]], labels: list[str]) -> list[dict[str, Any]]:
    """As the detector tells them, without a confidence: the model has none."""
    found = []
    for (left, top, right, bottom), label in zip(boxes, labels, strict=True):
        box = {"x": left, "y": top, "width": max(0, right - left), "height": max(0, bottom - top)}
        found.append({"class": label, "bbox": box})
    return found
