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
from pydantic import AliasChoices, Field
from service.asked import Asked, Said
from service.web import Metrics, State, create, require_ready, takes
from starlette.exceptions import HTTPException

from chat_openvino import __version__
from chat_openvino.model import Wish, Writer
from chat_openvino.settings import ChatSettings

HALF = "\ufffd"
"""What a part of a character is decoded to: the rest comes with the next token."""


class StreamOptions(Asked):
    include_usage: bool = False


class Writing(Asked):
    model: str = ""
    max_tokens: Annotated[int, Field(ge=1)] = 16
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    stop: Said | Annotated[list[Said], Field(max_length=4)] | None = None
    seed: Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)] | None = None
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    n: Literal[1] = 1

    def wish(self) -> Wish:
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return Wish(
            max_tokens=self.max_tokens, temperature=self.temperature, top_p=self.top_p, stop=stop, seed=self.seed
        )


class CompletionAsked(Writing):
    prompt: Said


class Part(Asked):
    """Of a message: text alone, since the model sees no pictures."""

    type: Literal["text"]
    text: Said


class Message(Asked):
    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Field(max_length=10_000_000)] | Annotated[list[Part], Field(min_length=1)]

    def told(self) -> dict[str, str]:
        """As the model's template takes it."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": self.role, "content": text}


class ChatAsked(Writing):
    max_tokens: Annotated[int, Field(ge=1, validation_alias=AliasChoices("max_completion_tokens", "max_tokens"))] = 256
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

    async def answered(asked: Writing, text: str, *, chat: bool) -> Response:
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
            events = form.events(said, with_usage=asked.stream_options.include_usage)
            return StreamingResponse(events, media_type="text/event-stream")
        text = "".join([piece async for piece in said])
        return JSONResponse(form.document(text, said.reason) | {"usage": said.usage})

    @app.post("/v1/completions", dependencies=[takes("application/json")])
    async def completions(asked: CompletionAsked) -> Response:
        return await answered(asked, asked.prompt, chat=False)

    @app.post("/v1/chat/completions", dependencies=[takes("application/json")])
    async def chat_completions(asked: ChatAsked) -> Response:
        require_ready(state)
        history = [message.told() for message in asked.messages]
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

    @property
    def usage(self) -> dict[str, int]:
        read = int(self._ids.shape[1])
        return {"prompt_tokens": read, "completion_tokens": self.count, "total_tokens": read + self.count}

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

    async def events(self, said: _Said, *, with_usage: bool) -> AsyncIterator[str]:
        try:
            async for piece in said:
                yield self._event({"delta": {"role": "assistant", "content": piece}} if self._chat else {"text": piece})
            yield self._event({"delta": {}} if self._chat else {"text": ""}, said.reason)
            if with_usage:
                yield f"data: {json.dumps(self._head | {'choices': [], 'usage': said.usage})}\n\n"
        except Exception:  # noqa: BLE001 - the headers are sent; the client is told in the stream
            yield f"data: {json.dumps({'error': {'message': 'the answer could not be finished', 'code': 500}})}\n\n"
        yield "data: [DONE]\n\n"

    def _event(self, content: dict[str, Any], reason: str | None = None) -> str:
        return f"data: {json.dumps(self._head | {'choices': [{'index': 0, **content, 'finish_reason': reason}]})}\n\n"
