"""The routes: OpenAI's `/v1/embeddings` and `/v1/models`."""

from __future__ import annotations

import asyncio
import base64
from typing import Annotated, Any, Literal

from fastapi import FastAPI
from pydantic import BeforeValidator
from service.asked import Asked
from service.pipeline import Batches
from service.web import Metrics, State, create, require_ready, takes
from starlette.exceptions import HTTPException

from embedder import __version__
from embedder.model import Embedder, Text, Vector
from embedder.settings import EmbedderSettings


def _texts(given: object) -> list[str]:
    """One text or several. Raises ValueError."""
    found: list[Any] = given if isinstance(given, list) else [given]
    if found and all(isinstance(one, int | list) and not isinstance(one, bool) for one in found):
        raise ValueError("ids of tokens are another tokenizer's; send texts")
    if wrong := [number for number, one in enumerate(found) if not isinstance(one, str)]:
        raise ValueError(f"expected a text or a list of texts; number {wrong[0] + 1} is none")
    if any(text != text.encode(errors="ignore").decode() for text in found):
        raise ValueError("a text holds half a character")
    if not found or "" in found:
        raise ValueError("a text is empty" if found else "there is no text")
    return found


class Question(Asked):
    """OpenAI's request. Texts only: ids of tokens would be those of another tokenizer."""

    input: Annotated[list[str], BeforeValidator(_texts)]
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

    @app.post("/v1/embeddings", dependencies=[takes("application/json")])
    async def embeddings(question: Question) -> dict[str, Any]:
        require_ready(state)
        texts = question.input
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
