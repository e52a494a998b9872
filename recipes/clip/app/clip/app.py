"""The routes: `/embed`, `/classify`, `/anomaly_score`."""

from __future__ import annotations

import math
import time
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Request
from pydantic import Field, StrictFloat, StrictInt
from service.pictures import decode
from service.pipeline import Pipeline
from service.refused import Refused
from service.uploads import Options, corners, receive
from service.web import Metrics, State, create, require_ready

from clip import __version__
from clip.model import Clip, Tokens, Vector
from clip.settings import ClipSettings

Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[list[Text], Field(min_length=1)]
Box = Annotated[list[float], Field(min_length=4, max_length=4)]


class Question(Options):
    """What may stand beside pictures. In a form, lists are written with commas."""

    texts: Texts | None = None
    bbox: str | Box | None = None
    """x, y, width and height of the part, in pixels."""


class Labels(Question):
    labels: Text | Texts


class Baseline(Question):
    baseline_embedding: list[StrictFloat | StrictInt]


class Service:
    """What the routes ask: vectors of pictures and of texts."""

    def __init__(self, settings: ClipSettings) -> None:
        self.settings = settings
        self.clip, self.metrics = Clip(settings), Metrics()
        self.state = State(self.clip, self.metrics)
        self._seeing: Pipeline[Vector, Vector] = Pipeline(self.clip.see, settings=settings, metrics=self.metrics)
        self._reading: Pipeline[Tokens, Vector] = Pipeline(self.clip.read, settings=settings, metrics=self.metrics)

    async def open(self) -> None:
        await self._seeing.open()
        await self._reading.open()

    async def close(self) -> None:
        await self._seeing.close()
        await self._reading.close()

    async def see(self, contents: list[bytes], question: Question) -> list[Vector]:
        box = corners(question.bbox)

        def prepare(content: bytes) -> Vector:
            picture = decode(content, max_pixels=self.settings.max_pixels)
            return self.clip.prepare(picture.cropped(box) if box else picture)

        return (await self._seeing.run(contents, prepare))[1]

    async def read(self, texts: list[str]) -> list[Vector]:
        _check(texts, self.settings)
        encoded = [text.encode() for text in texts]
        return (await self._reading.run(encoded, lambda one: self.clip.tokens(one.decode())))[1]


def application(settings: ClipSettings) -> FastAPI:
    service = Service(settings)
    ends = {"opened": service.open, "closed": service.close}
    app = create(service.state, settings=settings, title="clip", version=__version__, **ends)

    @app.post("/embed")
    async def embed(request: Request) -> dict[str, Any]:
        """Pictures first, then texts, each in the order in which they came."""
        require_ready(service.state)
        contents, question = await receive(request, Question, settings, pictures=False)
        return await _embedded(service, contents, question)

    @app.post("/classify")
    async def classify(request: Request) -> dict[str, Any]:
        """How well each label fits, by a softmax over all of them."""
        require_ready(service.state)
        contents, question = await receive(request, Labels, settings)
        return await _classified(service, _one(contents), question)

    @app.post("/anomaly_score")
    async def anomaly(request: Request) -> dict[str, Any]:
        """0: as the baseline; 1: nothing in common, or its opposite."""
        require_ready(service.state)
        contents, question = await receive(request, Baseline, settings)
        return await _compared(service, _one(contents), question)

    return app


async def _embedded(service: Service, contents: list[bytes], question: Question) -> dict[str, Any]:
    if not contents and not question.texts:
        raise Refused(422, "neither a picture nor texts")
    if question.bbox is not None and not contents:
        raise Refused(422, "bbox: there is no picture")
    begin = time.perf_counter()
    vectors = await service.see(contents, question) if contents else []
    vectors += await service.read(question.texts) if question.texts else []
    return {
        "embeddings": [_numbers(one) for one in vectors],
        "dimensions": service.clip.dimensions,
        "inference_time_ms": _milliseconds(begin),
    }


async def _classified(service: Service, contents: list[bytes], question: Labels) -> dict[str, Any]:
    given = question.labels.split(",") if isinstance(question.labels, str) else question.labels
    labels = [one.strip() for one in given]
    if not all(labels):
        raise Refused(422, "labels: one of them is empty")
    if len(set(labels)) < len(labels):
        raise Refused(422, "labels: one of them comes twice")
    begin = time.perf_counter()
    (picture,) = await service.see(contents, question)
    logits = np.stack(await service.read(labels)) @ picture * service.settings.logit_scale
    shares = np.exp(logits - logits.max())
    scores = (shares / shares.sum()).tolist()
    return {
        "scores": {label: round(score, 6) for label, score in zip(labels, scores, strict=True)},
        "top_label": labels[int(logits.argmax())],
        "inference_time_ms": _milliseconds(begin),
    }


async def _compared(service: Service, contents: list[bytes], question: Baseline) -> dict[str, Any]:
    baseline = _unit(question.baseline_embedding, service.clip.dimensions)
    begin = time.perf_counter()
    (picture,) = await service.see(contents, question)
    similarity = float(picture @ baseline)
    return {
        "anomaly_score": round(min(1.0, max(0.0, 1.0 - similarity)), 6),
        "similarity_to_baseline": round(similarity, 6),
        "inference_time_ms": _milliseconds(begin),
    }


def _one(contents: list[bytes]) -> list[bytes]:
    if len(contents) != 1:
        raise Refused(422, f"{len(contents)} pictures; this takes one")
    return contents


def _check(texts: list[str], settings: ClipSettings) -> None:
    if len(texts) > settings.max_texts:
        raise Refused(413, f"{len(texts)} texts; MAX_TEXTS is {settings.max_texts}")
    if (longest := max(map(len, texts))) > settings.max_characters:
        raise Refused(413, f"a text of {longest} characters; MAX_CHARACTERS is {settings.max_characters}")


def _unit(values: list[float], dimensions: int) -> Vector:
    """Raises Refused for what is no direction in this space."""
    if len(values) != dimensions:
        raise Refused(422, f"baseline_embedding: {len(values)} numbers; the model has {dimensions}")
    vector = np.asarray(values, dtype=np.float64)
    length = float(np.linalg.norm(vector))
    if not math.isfinite(length) or length == 0:
        raise Refused(422, "baseline_embedding: its length is not a positive number")
    return (vector / length).astype(np.float32)


def _numbers(vector: Vector) -> list[float]:
    return [round(one, 7) for one in vector.tolist()]


def _milliseconds(begin: float) -> float:
    return round((time.perf_counter() - begin) * 1000, 2)
