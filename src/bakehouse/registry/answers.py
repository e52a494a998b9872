"""What a registry's answers and a connection's failures mean, in words for people, without an address."""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import requests
import urllib3

from bakehouse.system.wrapped_error import innermost

_LONGEST_ANSWER = 300


def status(response: requests.Response) -> str:
    return f"{response.status_code} {response.reason or ''}".strip()


def said(response: requests.Response) -> str:
    """The registry's own words: `: DENIED: requested access to the resource is denied`."""
    if response.request.method == "HEAD":
        return ""
    errors = document(response).get("errors")
    if not isinstance(errors, list) or not errors:
        return ""
    texts = [_of_one(error) for error in errors[:3] if isinstance(error, dict)]
    text = "; ".join(text for text in texts if text)
    printable = "".join(character if character.isprintable() else " " for character in text)
    return f": {printable[:_LONGEST_ANSWER]}" if printable else ""


def _of_one(error: Mapping[str, Any]) -> str:
    """Code, message, and the detail where it is words."""
    parts = [str(error.get(key) or "") for key in ("code", "message")]
    detail = error.get("detail")
    parts.append(detail if isinstance(detail, str) else str(detail.get("Err", "")) if isinstance(detail, dict) else "")
    return ": ".join(dict.fromkeys(part for part in parts if part))


def document(response: requests.Response) -> dict[str, Any]:
    try:
        found = json.loads(response.content)
    except (ValueError, OSError, urllib3.exceptions.HTTPError, requests.RequestException):
        return {}
    return found if isinstance(found, dict) else {}


def is_full(said: str) -> bool:
    return any(words in said.lower() for words in ("no space left", "quota", "storage limit", "disk is full"))


def wait(response: requests.Response) -> float:
    """Retry-After: seconds, or a moment."""
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else 0.0


def clause(error: BaseException) -> str:
    """The one clause that helps; no address, which may hold a token."""
    cause = innermost(error)
    text = str(cause).rpartition(">: ")[2].rpartition("): ")[2]
    return type(cause).__name__ if not text or "://" in text or "/v2/" in text else text
