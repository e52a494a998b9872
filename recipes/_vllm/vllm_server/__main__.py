"""Start vLLM's server so that SIGTERM ends it within the 10 s that `docker stop` gives, also while it answers.

As vLLM comes, SIGTERM stops its engine first, and its HTTP server after that. Requests that were taken then wait for
tokens that nobody makes, and uvicorn waits for these requests without a limit: the process ends by SIGKILL, and its
clients hang until then. With `--shutdown-timeout`, what comes a moment too late is answered by 200 and no text.

Here the HTTP server ends first: it takes nothing new, and has `DRAIN` seconds to answer what it took. Whoever is not
served by then is hung up on. After that the engine has nothing to do, and ends. Arguments are vLLM's own;
`--shutdown-timeout` says another time.
"""

from __future__ import annotations

import asyncio
import importlib
import signal
from argparse import Namespace
from collections.abc import Awaitable, Callable
from typing import Any

LAUNCHERS = "vllm.entrypoints.launchers"
DRAIN = 6


def ending(server: type[Any]) -> type[Any]:
    """A server of uvicorn's that ends by a signal. vLLM sets its own handlers before it serves; these replace them."""

    class EndingServer(server):  # type: ignore[misc]
        async def serve(self, sockets: list[Any] | None = None) -> None:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._end)
            await super().serve(sockets)

        def _end(self) -> None:
            self.should_exit = True

    return EndingServer


def limited(run_server: Callable[..., Awaitable[None]]) -> Callable[[Namespace], Awaitable[None]]:
    """The same, with a limit to the time that uvicorn waits for requests."""

    async def run(args: Namespace) -> None:
        await run_server(args, timeout_graceful_shutdown=args.shutdown_timeout or DRAIN)

    return run


def main() -> None:
    launcher, entry = (importlib.import_module(f"{LAUNCHERS}.{name}") for name in ("launcher", "api_server.entry"))
    launcher.NoSignalServer = ending(launcher.NoSignalServer)  # type: ignore[attr-defined]
    entry.run_server = limited(entry.run_server)  # type: ignore[attr-defined]
    entry.main()


if __name__ == "__main__":
    main()
