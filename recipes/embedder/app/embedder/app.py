"""The routes: OpenAI's `/v1/embeddings` and `/v1/models`."""

from __future__ import annotations

import asyncio
import base64
from typing import Annotated, Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from service.pipeline import Batches
from service.web import Metrics, State, create, require_ready
from starlette.exceptions import HTTPException

from embedder import __version__
from embedder.model import Embedder, Text, Vector
from embedder.settings import EmbedderSettings


class Question(BaseModel):
    """OpenAI's request. Text only: token ids would be those of another tokenizer."""

    model_config = ConfigDict(strict=True)

    input: (
        Annotated[str, Field(min_length=1)] | Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
    )
    model: str = ""
    encoding_format: Literal["float", "base64"] = "float"
    user: str = ""
    dimensions: int | None = None


def application(settings: EmbedderSettings) -> FastAPI:
    embedder, metrics = Embedder(settings), Metrics()
    state = State(embedder, metrics)
    batches: Batches[Text, Vector] = Batches(embedder.embed, settings=settings, metrics=metrics)
    metrics.holds(lambda: len(batches))
    app = create(
        state, settings=settings, title="embedder", version=__version__, opened=batches.open, closed=batches.close
    )

    @app.post("/v1/embeddings")
    async def embeddings(question: Question) -> dict[str, Any]:
        require_ready(state)
        texts = [question.input] if isinstance(question.input, str) else question.input
        _check(question, texts, embedder, settings)
        tokens = await asyncio.to_thread(lambda: [embedder.tokens(text) for text in texts])
        vectors = await batches.ask(tokens)
        used = sum(len(one.ids) for one in tokens)
        return {
            "object": "list",
            "model": settings.name,
            "data": [
                {"object": "embedding", "index": index, "embedding": _encoded(vector, question.encoding_format)}
                for index, vector in enumerate(vectors)
            ],
            "usage": {"prompt_tokens": used, "total_tokens": used},
        }

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": settings.name, "object": "model", "owned_by": "local"}]}

    return app


def _check(question: Question, texts: list[str], embedder: Embedder, settings: EmbedderSettings) -> None:
    if question.model not in ("", settings.name):
        raise HTTPException(404, f"there is no model {question.model!r}; there is {settings.name!r}")
    if question.dimensions not in (None, embedder.dimensions):
        raise HTTPException(422, f"dimensions: the model has {embedder.dimensions}")
    if len(texts) > settings.max_texts:
        raise HTTPException(422, f"input: {len(texts)} texts; MAX_TEXTS is {settings.max_texts}")
    longest = max(map(len, texts))
    if longest > settings.max_characters:
        raise HTTPException(413, f"input: a text of {longest} characters; MAX_CHARACTERS is {settings.max_characters}")


def _encoded(vector: Vector, form: Literal["float", "base64"]) -> list[float] | str:
    return vector.tolist() if form == "float" else base64.b64encode(vector.astype("<f4").tobytes()).decode()
