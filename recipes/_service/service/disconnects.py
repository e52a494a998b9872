"""Work for a client ends when the client hangs up: frameworks go on with it, for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any


class ClientGoneError(Exception):
    """The client hung up before it was answered."""


async def unless_gone(work: Coroutine[Any, Any, None] | Awaitable[None], gone: Callable[[], Awaitable[None]]) -> None:
    """Do the work; cancel it as soon as `gone` returns. Raises what the work raises, and ClientGoneError."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(gone())
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
            return
        working.cancel()
        await asyncio.wait((working,))
        if not working.cancelled():
            working.result()
        raise ClientGoneError
    finally:
        watching.cancel()
        working.cancel()
