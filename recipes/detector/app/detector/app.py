"""The routes: `/detect` for one picture, `/detect/batch` for several, `/classes`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

from detection.adapters.base import Choice, Prepared
from detection.boxes import Found
from fastapi import FastAPI, Request
from pydantic import Field
from service.pictures import decode
from service.pipeline import Pipeline
from service.refused import Refused
from service.uploads import Options, receive
from service.web import Metrics, State, create, require_ready

from detector import __version__
from detector.model import Detector, Outputs
from detector.settings import DetectorSettings


class Question(Options):
    """What may be asked beside the pictures."""

    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    classes: str | None = None
    """Names with commas between them."""


def application(settings: DetectorSettings) -> FastAPI:
    detector, metrics = Detector(settings), Metrics()
    state = State(detector, metrics)
    pipeline: Pipeline[Prepared, Outputs] = Pipeline(detector.infer, settings=settings, metrics=metrics)
    app = create(
        state, settings=settings, title="detector", version=__version__, opened=pipeline.open, closed=pipeline.close
    )

    def prepare(content: bytes) -> Prepared:
        return detector.prepare(decode(content, max_pixels=settings.max_pixels, enough=detector.enough))

    async def detect(request: Request) -> list[dict[str, Any]]:
        require_ready(state)
        contents, question = await receive(request, Question, settings)
        wanted = _wanted(question, detector)
        choice = Choice(
            confidence=settings.confidence if question.confidence is None else question.confidence,
            iou=settings.iou,
            most=settings.max_detections,
        )
        begin = time.perf_counter()
        prepared, outputs = await pipeline.run(contents, prepare)
        found = await pipeline.beside(
            "post-process",
            lambda: [detector.found(one, output, choice) for one, output in zip(prepared, outputs, strict=True)],
        )
        took = round((time.perf_counter() - begin) * 1000, 2)
        return [_told(one, result, detector.names, wanted, took) for one, result in zip(prepared, found, strict=True)]

    @app.post("/detect")
    async def one(request: Request) -> dict[str, Any]:
        results = await detect(request)
        if len(results) != 1:
            raise Refused(422, f"{len(results)} pictures; /detect takes one, /detect/batch several")
        return results[0]

    @app.post("/detect/batch")
    async def several(request: Request) -> dict[str, Any]:
        results = await detect(request)
        return {"results": results, "num_images": len(results)}

    @app.get("/classes")
    async def classes() -> dict[str, Sequence[str]]:
        return {"classes": detector.names}

    return app


def _wanted(question: Question, detector: Detector) -> frozenset[str]:
    """Raises Refused for a class that the model does not know."""
    if question.classes is None:
        return detector.wanted
    asked = frozenset(one.strip() for one in question.classes.split(",") if one.strip())
    if unknown := asked - set(detector.names):
        raise Refused(422, f"classes: the model has no {', '.join(sorted(unknown))[:200]}")
    return asked


def _told(
    prepared: Prepared, found: Found, names: Sequence[str], wanted: frozenset[str], milliseconds: float
) -> dict[str, Any]:
    rows = zip(found.boxes.tolist(), found.scores.tolist(), found.classes.tolist(), strict=True)
    detections = [
        {"class": names[number], "confidence": round(score, 4), "bbox": _box(box)}
        for box, score, number in rows
        if not wanted or names[number] in wanted
    ]
    return {
        "detections": detections,
        "image_width": prepared.width,
        "image_height": prepared.height,
        "inference_time_ms": milliseconds,
    }


def _box(corners: list[float]) -> dict[str, float]:
    left, top, right, bottom = corners
    return {
        "x": round(left, 1),
        "y": round(top, 1),
        "width": round(right - left, 1),
        "height": round(bottom - top, 1),
    }
