"""The routes: OpenAI's `/v1/audio/transcriptions` and `/v1/models`."""

from __future__ import annotations

import asyncio
import math
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Form, UploadFile
from fastapi.responses import Response
from prometheus_client import Counter
from pydantic import BaseModel, Field
from service.limits import Room
from service.pipeline import Batches
from service.refused import Refused
from service.web import Metrics, State, create, require_ready, takes
from service.workers import Workers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser

from transcriber import __version__
from transcriber.formats import Format, response
from transcriber.model import Recording, Transcriber, Transcript
from transcriber.recording import RATE, NoRecordingError, Samples, TooLongError, decode
from transcriber.settings import TranscriberSettings


class Asked(BaseModel):
    """OpenAI's form. What is not named here is ignored, as there."""

    file: UploadFile
    model: str = ""
    language: str = ""
    prompt: Annotated[str, Field(max_length=4000)] = ""
    response_format: Format = "json"
    temperature: Annotated[float | None, Field(ge=0, le=1)] = None
    granularities: Annotated[list[Literal["word", "segment"]], Field(alias="timestamp_granularities[]")] = []

    @property
    def words(self) -> bool:
        return "word" in self.granularities

    def recording(self, samples: Samples) -> Recording:
        return Recording(
            samples=samples,
            language=self.language or None,
            prompt=self.prompt or None,
            temperature=self.temperature,
            words=self.words,
        )


def application(settings: TranscriberSettings) -> FastAPI:
    transcriber, metrics = Transcriber(settings), Metrics()
    heard = Counter("inference_audio_seconds_total", "Sound that was transcribed.", registry=metrics.registry)
    state = State(transcriber, metrics)
    batches: Batches[Recording, Transcript] = Batches(transcriber.transcribe, settings=settings, metrics=metrics)
    decoders = Workers(threads=settings.decoders, most=settings.max_queue, metrics=metrics)
    held = Room(math.ceil(max(settings.max_held_seconds, settings.max_seconds)))
    # Uploads stay in memory, whose size the limit on bodies bounds: the root file system may be read-only.
    MultiPartParser.spool_max_size = settings.max_body_bytes

    async def opened() -> None:
        await batches.open()
        await decoders.open()

    async def closed() -> None:
        await batches.close()
        await decoders.close()

    app = create(state, settings=settings, title="whisper", version=__version__, opened=opened, closed=closed)

    async def transcribed(asked: Asked) -> Transcript:
        """Of the recordings that wait to be decoded only the files are held; of the others, as many seconds as fit."""
        with decoders.room(1):
            content = await asked.file.read()
            samples = await decoders.run("decode", lambda: _samples(content, settings))
            with held.of(math.ceil(samples.size / RATE)):
                recording = asked.recording(samples)
                try:
                    (transcript,) = await batches.ask([recording])
                except asyncio.CancelledError:
                    recording.gone.set()
                    raise
        heard.inc(recording.seconds)
        return transcript

    @app.post("/v1/audio/transcriptions", dependencies=[takes("multipart/form-data")])
    async def transcriptions(asked: Annotated[Asked, Form(media_type="multipart/form-data")]) -> Response:
        require_ready(state)
        if asked.model not in ("", settings.model_name):
            raise HTTPException(404, f"there is no model {asked.model!r}; there is {settings.model_name!r}")
        if asked.language and asked.language not in transcriber.languages:
            raise HTTPException(422, f"language: the model knows {', '.join(transcriber.languages)}")
        return response(await transcribed(asked), asked.response_format, words=asked.words)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": settings.model_name, "object": "model", "owned_by": "local"}]}

    return app


def _samples(sent: bytes, settings: TranscriberSettings) -> Samples:
    """Raises Refused."""
    try:
        return decode(sent, longest=settings.max_seconds)
    except NoRecordingError as error:
        raise Refused(422, f"file: {error}") from None
    except TooLongError as error:
        raise Refused(413, f"file: {error}; MAX_SECONDS is {settings.max_seconds:g}") from None
