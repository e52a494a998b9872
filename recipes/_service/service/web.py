"""The part of a service that is the same for all: probes, metrics, limits, errors as JSON, logs, a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.batching import QueueFullError, StoppingError
from service.settings import Settings

INTERNAL = 500
RETRY_AFTER = {"Retry-After": "1"}
LOG = logging.getLogger("service")


class Engine(Protocol):
    """The model behind a service."""

    def load(self) -> None:
        """Load and warm up; runs beside the event loop. Raises with what is wrong and which variable names it."""

    def info(self) -> dict[str, Any]:
        """Model, digest, device: what `/info` says of it."""


class Metrics:
    """Prometheus's names of the field."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter("http_requests_total", "Requests.", ["path", "status"], registry=registry)
        self.latency = Histogram("http_request_duration_seconds", "Time of a request.", ["path"], registry=registry)
        self.items = Counter("inference_items_total", "Items that were computed.", registry=registry)
        self.batch = Histogram(
            "inference_batch_size", "Items of one inference.", buckets=(1, 2, 4, 8, 16, 32, 64, 128), registry=registry
        )
        self.wait = Histogram(
            "inference_queue_seconds", "Time that the oldest item of a batch waited.", registry=registry
        )
        self.compute = Histogram("inference_duration_seconds", "Time of one inference.", registry=registry)
        self.ready = Gauge(
            "service_ready", "1 when the model is loaded on the device it is meant for.", registry=registry
        )
        self.queue = Gauge("inference_queue_items", "Items that wait.", registry=registry)

    def observe(self, size: int, waited: float, took: float) -> None:
        self.items.inc(size)
        self.batch.observe(size)
        self.wait.observe(waited)
        self.compute.observe(took)


class State:
    """What the probes look at."""

    def __init__(self, engine: Engine, metrics: Metrics) -> None:
        self.engine = engine
        self.metrics = metrics
        self.ready = False
        self.stopping = False
        self.failure = ""

    async def load(self) -> None:
        """Load beside the event loop, so that probes are answered meanwhile. A failure is said by /ready."""
        begin = time.perf_counter()
        try:
            await asyncio.to_thread(self.engine.load)
        except Exception as error:  # noqa: BLE001 - whatever it was, /ready and the log say it
            self.failure = f"{error}"
            log("model failed to load", error=self.failure)
            return
        self.ready = True
        self.metrics.ready.set(1)
        log("ready", seconds=round(time.perf_counter() - begin, 3), **self.engine.info())


def create(
    state: State,
    *,
    settings: Settings,
    title: str,
    version: str,
    opened: Callable[[], Awaitable[None]],
    closed: Callable[[], Awaitable[None]],
) -> FastAPI:
    """An application with everything but the routes of the service itself."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await opened()
        loading = asyncio.create_task(state.load())
        yield
        state.stopping = True
        loading.cancel()
        await closed()

    app = FastAPI(title=title, version=version, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(_Limits, settings=settings, metrics=state.metrics)
    _errors(app)
    _probes(app, state, title=title, version=version)
    return app


def require_ready(state: State) -> None:
    if state.stopping:
        raise HTTPException(503, "the service is ending", headers=RETRY_AFTER)
    if not state.ready:
        raise HTTPException(503, state.failure or "the model is still loading", headers=RETRY_AFTER)


def serve(app: FastAPI, settings: Settings) -> None:
    """Run until SIGTERM, then finish the requests that were accepted."""
    configure_logs()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=round(settings.stop_grace_s),
        server_header=False,
    )


def log(message: str, **facts: object) -> None:
    """One line of JSON. Never what a client sent: no text, no picture."""
    LOG.info(message, extra={"facts": facts})


def configure_logs() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Json())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", {})
        line = {"time": self.formatTime(record), "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line | facts, default=str)


def _probes(app: FastAPI, state: State, *, title: str, version: str) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @app.get("/ready")
    async def ready() -> dict[str, Any]:
        """The model is loaded, on the device that the image was built for."""
        require_ready(state)
        return {"status": "ready", **state.engine.info()}

    @app.get("/info")
    async def info() -> dict[str, Any]:
        return {"service": title, "version": version, **state.engine.info()}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _errors(app: FastAPI) -> None:
    """As OpenAI's API says them: {"error": {"message", "type", "code"}}."""

    async def said(_: Request, error: Exception) -> Response:
        status, message, headers = INTERNAL, "internal error", None
        match error:
            case HTTPException():
                status, message, headers = error.status_code, str(error.detail), error.headers
            case RequestValidationError():
                status, message = 422, "; ".join(_wrong(one) for one in error.errors())
            case QueueFullError():
                status, message, headers = 429, "too many requests wait", RETRY_AFTER
            case StoppingError():
                status, message, headers = 503, "the service is ending", RETRY_AFTER
            case _:
                LOG.error("a request failed", exc_info=error)
        kind = "invalid_request_error" if status < INTERNAL else "server_error"
        content = {"error": {"message": message, "type": kind, "code": status}}
        return JSONResponse(content, status_code=status, headers=dict(headers or {}))

    for kind in (HTTPException, RequestValidationError, QueueFullError, StoppingError, Exception):
        app.add_exception_handler(kind, said)


def _wrong(error: dict[str, Any]) -> str:
    """Where and what; not the value, which is the client's."""
    place = ".".join(str(part) for part in error["loc"] if part != "body")
    return f"{place}: {error['msg']}" if place else str(error["msg"])


class _Limits:
    """Counts requests and ends those whose body is too large, before it is in memory."""

    def __init__(self, app: ASGIApp, *, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._most = settings.max_body_bytes
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, status, seen = time.perf_counter(), 500, 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most:
                raise HTTPException(413, f"the body is larger than {self._most} bytes")
            return message

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        declared = dict(scope["headers"]).get(b"content-length", b"0")
        try:
            if declared.isdigit() and int(declared) > self._most:
                await _too_large(self._most)(scope, receive, noted)
            else:
                await self._app(scope, counted, noted)
        finally:
            route = scope.get("route")
            path = getattr(route, "path", "other")
            self._metrics.requests.labels(path, str(status)).inc()
            self._metrics.latency.labels(path).observe(time.perf_counter() - begin)


def _too_large(most: int) -> JSONResponse:
    message = f"the body is larger than {most} bytes"
    content = {"error": {"message": message, "type": "invalid_request_error", "code": 413}}
    return JSONResponse(content, status_code=413, headers={"Connection": "close"})
