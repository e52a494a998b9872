"""The routes: OpenAI's `/v1/audio/transcriptions` and `/v1/models`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Form, UploadFile
from fastapi.responses import Response
from prometheus_client import Counter
from pydantic import BaseModel, Field
from service.pipeline import Batches
from service.web import Metrics, State, create, require_ready
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser

from transcriber import __version__
from transcriber.formats import Format, response
from transcriber.model import Recording, Transcriber, Transcript
from transcriber.recording import NoRecordingError, Samples, TooLongError, decode
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


def application(settings: TranscriberSettings) -> FastAPI:
    transcriber, metrics = Transcriber(settings), Metrics()
    heard = Counter("inference_audio_seconds_total", "Sound that was transcribed.", registry=metrics.registry)
    state = State(transcriber, metrics)
    batches: Batches[Recording, Transcript] = Batches(transcriber.transcribe, settings=settings, metrics=metrics)
    metrics.holds(lambda: len(batches))
    # Uploads stay in memory, whose size the limit on bodies bounds: the root file system may be read-only.
    MultiPartParser.spool_max_size = settings.max_body_bytes
    app = create(
        state, settings=settings, title="whisper", version=__version__, opened=batches.open, closed=batches.close
    )

    @app.post("/v1/audio/transcriptions")
    async def transcriptions(asked: Annotated[Asked, Form(media_type="multipart/form-data")]) -> Response:
        require_ready(state)
        if asked.model not in ("", settings.model_name):
            raise HTTPException(404, f"there is no model {asked.model!r}; there is {settings.model_name!r}")
        if asked.language and asked.language not in transcriber.languages:
            raise HTTPException(422, f"language: the model knows {', '.join(transcriber.languages)}")
        recording = Recording(
            samples=await _samples(await asked.file.read(), settings),
            language=asked.language or None,
            prompt=asked.prompt or None,
            temperature=asked.temperature,
            words="word" in asked.granularities,
        )
        (transcript,) = await batches.ask([recording])
        heard.inc(recording.seconds)
        return response(transcript, asked.response_format, words=recording.words)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": settings.model_name, "object": "model", "owned_by": "local"}]}

    return app


async def _samples(sent: bytes, settings: TranscriberSettings) -> Samples:
    """Decoded beside the event loop. Raises HTTPException."""
    try:
        return await asyncio.to_thread(decode, sent, longest=settings.max_seconds)
    except NoRecordingError as error:
        raise HTTPException(422, f"file: {error}") from None
    except TooLongError as error:
        raise HTTPException(413, f"file: {error}; MAX_SECONDS is {settings.max_seconds:g}") from None
