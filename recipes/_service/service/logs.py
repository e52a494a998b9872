"""Structured logs: one line of JSON each, and never what a client sent."""

from __future__ import annotations

import json
import logging
import sys

LOG = logging.getLogger("service")


def log(message: str, **facts: object) -> None:
    """Numbers, names of files, versions. No text, no picture."""
    LOG.info(message, extra={"facts": facts})


def configure_logs() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)


class Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", {})
        line = {"time": self.formatTime(record), "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line | facts, default=str)
