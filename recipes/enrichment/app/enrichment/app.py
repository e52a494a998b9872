"""The routes: `/enrich`, `/models/status`, `/models/preload`."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field
from service.pictures import decode
from service.refused import Refused
from service.settings import usable_threads
from service.uploads import Options, corners, receive
from service.web import Metrics, State, create, require_ready, takes
from service.workers import Workers

from enrichment import __version__
from enrichment.engine import Enrichment
from enrichment.models.base import Facts
from enrichment.models.registry import OF_DETECTIONS
from enrichment.settings import EnrichmentSettings

ALL = "all"


class Question(Options):
    """What is wanted of the picture, or of a part of it."""

    models: str | None = None
    """Names with commas between them, or `all`."""
    detection_type: str = "person"
    """Says what is wanted where `models` does not."""
    bbox: str | Annotated[list[float], Field(min_length=4, max_length=4)] | None = None
    """x, y, width and height of the part, in pixels; in a form with commas between them."""


class Names(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    models: Annotated[list[str], Field(min_length=1, max_length=100)]


def application(settings: EnrichmentSettings) -> FastAPI:
    engine, metrics = Enrichment(settings), Metrics()
    state = State(engine, metrics)
    workers = Workers(threads=usable_threads(settings.workers), most=settings.max_queue, metrics=metrics)
    app = create(
        state, settings=settings, title="enrichment", version=__version__, opened=workers.open, closed=workers.close
    )

    def worked_out(content: bytes, question: Question) -> dict[str, Facts]:
        with engine.work.working():
            picture = decode(content, max_pixels=settings.max_pixels)
            box = corners(question.bbox)
            return engine.enrich(picture.cropped(box) if box else picture, _wanted(question, engine))

    def preloaded(names: Names) -> None:
        with engine.work.working():
            engine.preload(names.models)

    @app.post("/enrich")
    async def enrich(request: Request) -> dict[str, Any]:
        require_ready(state)
        contents, question = await receive(request, Question, settings)
        begin = time.perf_counter()
        with workers.room(1):
            found = await workers.run("enrich", lambda: worked_out(contents[0], question))
        took = time.perf_counter() - begin
        metrics.items.inc(len(found))
        metrics.compute.observe(took)
        return {"enrichment": found, "inference_time_ms": round(took * 1000, 2)}

    @app.get("/models/status")
    async def status() -> dict[str, Any]:
        require_ready(state)
        zoo = engine.zoo
        assert zoo is not None
        return {"budget_bytes": zoo.budget, "used_bytes": zoo.used, "models": zoo.status()}

    @app.post("/models/preload", dependencies=[takes("application/json")])
    async def preload(names: Names) -> dict[str, Any]:
        """Load them, as far as the budget allows all of them at once."""
        require_ready(state)
        with workers.room(1):
            await workers.run("preload", lambda: preloaded(names))
        return await status()

    return app


def _wanted(question: Question, engine: Enrichment) -> list[str]:
    """Raises Refused."""
    if question.models == ALL:
        return list(engine.models)
    if question.models is not None:
        names = [one.strip() for one in question.models.split(",") if one.strip()]
        if not names:
            raise Refused(422, "models: names none")
        return names
    if question.detection_type not in OF_DETECTIONS:
        raise Refused(422, f"detection_type: there is {', '.join(OF_DETECTIONS)}; or name models")
    return list(OF_DETECTIONS[question.detection_type])
