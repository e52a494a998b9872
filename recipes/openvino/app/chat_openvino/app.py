"""The routes: OpenAI's `/v1/completions`, `/v1/chat/completions` and `/v1/models`."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response, StreamingResponse
from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, Field
from service.web import Metrics, State, create, require_ready, takes
from starlette.exceptions import HTTPException

from chat_openvino import __version__
from chat_openvino.model import Wish, Writer
from chat_openvino.settings import ChatSettings

HALF = "\ufffd"
"""What a part of a character is decoded to: the rest comes with the next token."""


class Asked(BaseModel):
    model_config = ConfigDict(strict=True)

    model: str = ""
    max_tokens: Annotated[int, Field(ge=1)] = 16
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    seed: int | None = None
    stream: bool = False
    n: Literal[1] = 1

    def wish(self) -> Wish:
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return Wish(
            max_tokens=self.max_tokens, temperature=self.temperature, top_p=self.top_p, stop=stop, seed=self.seed
        )


class CompletionAsked(Asked):
    prompt: Annotated[str, Field(min_length=1)]


class Message(BaseModel):
    model_config = ConfigDict(strict=True)

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Field(max_length=10_000_000)]  # with any bound, half a character is refused


class ChatAsked(Asked):
    max_tokens: Annotated[int, Field(ge=1)] = 256
    messages: Annotated[list[Message], Field(min_length=1)]


def application(settings: ChatSettings) -> FastAPI:
    writer, metrics = Writer(settings), Metrics()
    state = State(writer, metrics)
    prompt_tokens = Counter("inference_prompt_tokens_total", "Tokens that were read.", registry=metrics.registry)
    tokens = Counter("inference_generated_tokens_total", "Tokens that were written.", registry=metrics.registry)

    async def opened() -> None:
        metrics.holds(lambda: writer.held)

    async def closed() -> None:
        await asyncio.to_thread(writer.stop)

    app = create(state, settings=settings, title="openvino", version=__version__, opened=opened, closed=closed)

    async def answered(asked: Asked, text: str, *, chat: bool) -> Response:
        require_ready(state)
        if asked.model not in ("", settings.name):
            raise HTTPException(404, f"there is no model {asked.model!r}; there is {settings.name!r}")
        ids = (await asyncio.to_thread(writer.tokenizer.encode, text)).input_ids
        read = ids.shape[1]
        if read + asked.max_tokens > settings.max_context:
            raise HTTPException(
                400, f"{read} tokens of prompt and {asked.max_tokens} of answer; MAX_CONTEXT is {settings.max_context}"
            )
        prompt_tokens.inc(read)
        said = _Said(writer, ids, asked.wish(), tokens)
        form = _Form(model=settings.name, chat=chat, stream=asked.stream)
        if asked.stream:
            return StreamingResponse(form.events(said), media_type="text/event-stream")
        text = "".join([piece async for piece in said])
        usage = {"prompt_tokens": read, "completion_tokens": said.count, "total_tokens": read + said.count}
        return JSONResponse(form.document(text, said.reason) | {"usage": usage})

    @app.post("/v1/completions", dependencies=[takes("application/json")])
    async def completions(asked: CompletionAsked) -> Response:
        return await answered(asked, asked.prompt, chat=False)

    @app.post("/v1/chat/completions", dependencies=[takes("application/json")])
    async def chat_completions(asked: ChatAsked) -> Response:
        require_ready(state)
        history = [message.model_dump() for message in asked.messages]
        text = await asyncio.to_thread(writer.tokenizer.apply_chat_template, history, add_generation_prompt=True)
        return await answered(asked, text, chat=True)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": settings.name, "object": "model", "owned_by": "local"}]}

    return app


class _Said:
    """An answer's text, piece by piece, as whole characters."""

    def __init__(self, writer: Writer, ids: Any, wish: Wish, tokens: Counter) -> None:
        self._writer, self._ids, self._wish, self._tokens = writer, ids, wish, tokens
        self.count = 0
        self.reason: str | None = None

    async def __aiter__(self) -> AsyncIterator[str]:
        all_ids: list[int] = []
        shown = ""
        async for ids, reason in self._writer.write(self._ids, self._wish):
            all_ids += ids
            self.count, self.reason = len(all_ids), reason
            self._tokens.inc(len(ids))
            text = await asyncio.to_thread(self._decode, all_ids)
            if text.startswith(shown) and (reason or not text.endswith(HALF)):
                yield text[len(shown) :]
                shown = text

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self._writer.tokenizer.decode(list(ids)))


class _Form:
    """Documents and events as OpenAI's API has them."""

    def __init__(self, *, model: str, chat: bool, stream: bool) -> None:
        self._chat = chat
        kind = "chat.completion" if chat else "text_completion"
        self._head = {
            "id": f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}",
            "object": f"{kind}.chunk" if chat and stream else kind,
            "created": int(time.time()),
            "model": model,
        }

    def document(self, text: str, reason: str | None) -> dict[str, Any]:
        content = {"message": {"role": "assistant", "content": text}} if self._chat else {"text": text}
        return self._head | {"choices": [{"index": 0, **content, "finish_reason": reason}]}

    async def events(self, said: _Said) -> AsyncIterator[str]:
        try:
            async for piece in said:
                yield self._event({"delta": {"role": "assistant", "content": piece}} if self._chat else {"text": piece})
            yield self._event({"delta": {}} if self._chat else {"text": ""}, said.reason)
        except Exception:  # noqa: BLE001 - the headers are sent; the client is told in the stream
            yield f"data: {json.dumps({'error': {'message': 'the answer could not be finished', 'code': 500}})}\n\n"
        yield "data: [DONE]\n\n"

    def _event(self, content: dict[str, Any], reason: str | None = None) -> str:
        return f"data: {json.dumps(self._head | {'choices': [{'index': 0, **content, 'finish_reason': reason}]})}\n\n"
