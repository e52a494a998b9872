"""Structured logs: one line of JSON each, and never what a client sent."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from pathlib import PurePath

LOG = logging.getLogger("service")


def log(message: str, **facts: object) -> None:
    """Numbers, names of files, versions. No text, no picture."""
    LOG.info(message, extra={"facts": facts})


def configure_logs() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)


def _places(error: BaseException) -> list[str]:
    """Where it was raised, and by way of what; not its text, which may repeat what a client sent."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{PurePath(one.filename).name}:{one.lineno} {one.name}" for one in frames]


class Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", {})
        line: dict[str, object] = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info and (error := record.exc_info[1]):
            line |= {"error": type(error).__name__, "at": _places(error)}
        return json.dumps(line | facts, default=str)
