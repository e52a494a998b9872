"""Read the settings, and become smg. The key goes to it as a value in this process: no command line shows it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from pydantic import ValidationError

from gateway.settings import GatewaySettings

BAD_SETTINGS = 2


def read(environ: Mapping[str, str]) -> GatewaySettings:
    """Raises ValueError with a line for each variable that is wrong or missing; none shows a key."""
    given = {name: environ[name.upper()] for name in GatewaySettings.model_fields if environ.get(name.upper())}
    try:
        return GatewaySettings.model_validate(given)
    except ValidationError as error:
        raise ValueError("\n".join(_line(one["loc"], one["type"], one["msg"]) for one in error.errors())) from None


def _line(place: tuple[int | str, ...], kind: str, message: str) -> str:
    said = message.removeprefix("Value error, ")
    if not place:
        return said
    name = str(place[0]).upper()
    return f"{name} is not set" if kind == "missing" else f"{name}: {said[:1].lower()}{said[1:]}"


def arguments(settings: GatewaySettings) -> list[str]:
    """What smg's own command line says in these words, but for the key."""
    words: dict[str, object] = {
        "host": settings.host,
        "port": settings.port,
        "prometheus-port": settings.metrics_port,
        "prometheus-host": settings.host,
        "policy": settings.policy,
        "worker-startup-check-interval": settings.start_interval_s,
        "health-check-interval-secs": settings.health_interval_s,
        "health-check-timeout-secs": settings.health_timeout_s,
        "health-failure-threshold": settings.health_failures,
        "health-success-threshold": 1,
        "cb-timeout-duration-secs": settings.breaker_s,
        "request-timeout-secs": settings.request_timeout_s,
        "max-payload-size": settings.max_body_bytes,
        "shutdown-grace-period-secs": settings.stop_grace_s,
        "log-level": settings.log_level,
    }
    told = [word for name, value in words.items() for word in (f"--{name}", str(value))]
    return [*told, "--log-json", "--disable-tokenizer-autoload", "--worker-urls", *settings.backends]


def main() -> None:
    try:
        settings = read(os.environ)
        key = settings.key()
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there is no log yet
        sys.exit(BAD_SETTINGS)
    from smg.launch_router import launch_router, parse_router_args  # noqa: PLC0415 - settings are judged first

    router = parse_router_args(arguments(settings))
    router.api_key = key
    launch_router(router)


if __name__ == "__main__":
    main()
