"""The part of a service that is the same for all: probes, limits, errors as JSON, a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from service import errors
from service.errors import RETRY_AFTER
from service.limits import Limits
from service.logs import configure_logs, log
from service.metrics import Metrics
from service.protocol import Bounded
from service.refused import Refused
from service.settings import Settings

__all__ = ["Engine", "Metrics", "State", "create", "log", "require_ready", "serve", "takes"]


class Engine(Protocol):
    """The model behind a service."""

    def load(self) -> None:
        """Load and warm up; runs beside the event loop. Raises with what is wrong and which variable names it."""

    def info(self) -> dict[str, Any]:
        """Model, digest, device: what `/info` says of it."""


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
    app.add_middleware(
        Limits,
        most=settings.max_body_bytes,
        together=settings.max_bodies_bytes,
        seconds=settings.receive_s,
        metrics=state.metrics,
    )
    errors.handle(app)
    _probes(app, state, about={"service": title, "version": version, "image": settings.image_digest or None})
    return app


def takes(kind: str) -> Any:
    """A route's dependency: requests with another Content-Type are refused (415) before their body is looked at."""

    def check(request: Request) -> None:
        found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if found != kind:
            raise Refused(415, f"Content-Type {found or 'is not set'}: {kind}")

    return Depends(check)


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
        http=Bounded,
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=round(settings.stop_grace_s),
        server_header=False,
    )


def _probes(app: FastAPI, state: State, *, about: dict[str, Any]) -> None:
    @app.head("/health")
    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @app.head("/ready")
    @app.get("/ready")
    async def ready() -> dict[str, Any]:
        """The model is loaded, on the device that the image was built for."""
        require_ready(state)
        return {"status": "ready", **state.engine.info()}

    @app.get("/info")
    async def info() -> dict[str, Any]:
        return {**about, **state.engine.info()}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
