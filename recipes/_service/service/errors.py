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

OURS: dict[type[Exception], tuple[int, str, Mapping[str, str]]] = {
    QueueFullError: (http.HTTPStatus.TOO_MANY_REQUESTS, "too many requests wait", RETRY_AFTER),
    StoppingError: (http.HTTPStatus.SERVICE_UNAVAILABLE, "the service is ending", RETRY_AFTER),
    ClientDisconnect: (http.HTTPStatus.BAD_REQUEST, "the client has gone", CLOSE),
}


def answer(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    kind = "invalid_request_error" if status < INTERNAL else "server_error"
    told = message.encode(errors="replace").decode()  # a message may repeat half a character of a client's
    content = {"error": {"message": told, "type": kind, "code": status}}
    return JSONResponse(content, status_code=status, headers=dict(headers or {}))


def handle(app: FastAPI) -> None:
    """Every error of a route becomes such an answer; what nobody foresaw is logged, and its text stays here."""

    async def said(_: Request, error: Exception) -> Response:
        match error:
            case HTTPException() if is_unreadable(error):
                return answer(http.HTTPStatus.UNPROCESSABLE_ENTITY, "the body is no JSON")
            case HTTPException() | Refused():
                return answer(error.status_code, str(error.detail), headers=error.headers)
            case RequestValidationError() | ValidationError():
                return answer(http.HTTPStatus.UNPROCESSABLE_ENTITY, _several(error.errors()))
            case _ if type(error) in OURS:
                status, message, headers = OURS[type(error)]
                return answer(status, message, headers=headers)
            case _:
                LOG.error("a request failed", exc_info=error)
                return answer(INTERNAL, "internal error")

    for kind in (HTTPException, Refused, RequestValidationError, ValidationError, *OURS, Exception):
        app.add_exception_handler(kind, said)


def is_unreadable(error: HTTPException) -> bool:
    """Whether FastAPI says of a body, with a status of its own, that it is not UTF-8, nested too deeply or the like."""
    return error.status_code == http.HTTPStatus.BAD_REQUEST and isinstance(error.__cause__, ValueError | RecursionError)


def _several(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first of them: a list of a thousand numbers may hold a thousand mistakes."""
    more = len(errors) - SHOWN
    return "; ".join([*map(wrong, errors[:SHOWN]), *([f"and {more} more"] if more > 0 else [])])


def wrong(error: Mapping[str, Any]) -> str:
    """Where and what; not the value, which is the client's."""
    place = ".".join(str(part) for part in error["loc"] if part != "body")
    said = str(error["msg"]).removeprefix("Value error, ")
    return f"{place}: {said}" if place else said
