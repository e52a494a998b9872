"""Values of arguments that several verbs take: numbers and durations."""

from __future__ import annotations

import argparse
import re

_DURATION = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m(?:in)?)?(?:([0-9]{1,6}(?:\.[0-9]+)?)s?)?", re.ASCII)


def duration(text: str) -> float:
    """Seconds: `90`, `90s`, `5m`, `1h`, `1h30m`."""
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 90s, 5m or 1h30m")
    return sum(float(number) * each for number, each in zip(found.groups(), (3600, 60, 1), strict=True) if number)


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
