"""Read the settings, and become Prometheus."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PROGRAM = "/usr/bin/prometheus"
OWN = Path(__file__).with_name("prometheus.yml")
"""Scrapes itself, where nobody mounted a configuration."""
BAD_SETTINGS = 2


class Settings(BaseModel):
    """One variable for each field: `PORT`, `CONFIG`."""

    model_config = ConfigDict(frozen=True)

    port: Annotated[int, Field(ge=1, le=65535)] = 9090
    config: Path = Path("/etc/prometheus/prometheus.yml")
    storage: Path = Path("/tmp/prometheus")  # noqa: S108 - writable in every container
    retention: Annotated[str, Field(pattern=r"^[0-9]+[smhdwy]$")] = "15d"
    retention_size: Annotated[str, Field(pattern=r"^[0-9]+(B|KB|MB|GB|TB)$")] = "200MB"
    """The oldest figures go when there are more bytes than that."""


def read(environ: Mapping[str, str]) -> Settings:
    """Raises ValueError with a line for each variable that is wrong."""
    given = {name: environ[name.upper()] for name in Settings.model_fields if environ.get(name.upper())}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise ValueError("\n".join(f"{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors())) from None


def arguments(settings: Settings, more: Sequence[str]) -> list[str]:
    """Prometheus' own command line; nothing of its administration is open."""
    config = settings.config if settings.config.is_file() else OWN
    return [
        PROGRAM,
        f"--config.file={config}",
        f"--storage.tsdb.path={settings.storage}",
        f"--storage.tsdb.retention.time={settings.retention}",
        f"--storage.tsdb.retention.size={settings.retention_size}",
        f"--web.listen-address=:{settings.port}",
        *more,
    ]


def main() -> None:
    try:
        settings = read(os.environ)
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there is no log yet
        sys.exit(BAD_SETTINGS)
    os.execv(PROGRAM, arguments(settings, sys.argv[1:]))  # noqa: S606 - it takes our place


if __name__ == "__main__":
    main()
