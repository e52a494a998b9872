"""What goes wrong, as OpenAI's API says it: {"error": {"message", "type", "code"}}."""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from service.batching import QueueFullError, StoppingError
from service.logs import LOG
from service.refused import Refused

INTERNAL = 500
SHOWN = 5
"""Mistakes that one answer tells."""
RETRY_AFTER = {"Retry-After": "1"}
CLOSE = {"Connection": "close"}
"""For a request whose body is not read to its end."""


def answer(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    kind = "invalid_request_error" if status < INTERNAL else "server_error"
    content = {"error": {"message": message, "type": kind, "code": status}}
    return JSONResponse(content, status_code=status, headers=dict(headers or {}))


def handle(app: FastAPI) -> None:
    """Every error of a route becomes such an answer; what nobody foresaw is logged, and its text stays here."""

    async def said(_: Request, error: Exception) -> Response:
        match error:
            case HTTPException() | Refused():
                return answer(error.status_code, str(error.detail), headers=error.headers)
            case RequestValidationError() | ValidationError():
                return answer(http.HTTPStatus.UNPROCESSABLE_ENTITY, _several(error.errors()))
            case QueueFullError():
                return answer(http.HTTPStatus.TOO_MANY_REQUESTS, "too many requests wait", headers=RETRY_AFTER)
            case ClientDisconnect():
                return answer(http.HTTPStatus.BAD_REQUEST, "the client has gone")
            case StoppingError():
                return answer(http.HTTPStatus.SERVICE_UNAVAILABLE, "the service is ending", headers=RETRY_AFTER)
            case _:
                LOG.error("a request failed", exc_info=error)
                return answer(INTERNAL, "internal error")

    for kind in (
        HTTPException,
        Refused,
        RequestValidationError,
        ValidationError,
        QueueFullError,
        StoppingError,
        ClientDisconnect,
        Exception,
    ):
        app.add_exception_handler(kind, said)


def _several(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first of them: a list of a thousand numbers may hold a thousand mistakes."""
    more = len(errors) - SHOWN
    return "; ".join([*map(wrong, errors[:SHOWN]), *([f"and {more} more"] if more > 0 else [])])


def wrong(error: Mapping[str, Any]) -> str:
    """Where and what; not the value, which is the client's."""
    place = ".".join(str(part) for part in error["loc"] if part != "body")
    return f"{place}: {error['msg']}" if place else str(error["msg"])
