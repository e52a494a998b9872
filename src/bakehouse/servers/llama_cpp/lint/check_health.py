"""A health check that asks the server for a page that it does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.settings import Word

_LOCAL_URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::[0-9]+)?(?P<path>/[^?\s\x22'|;]*)?")
_NO_PAGES = frozenset(
    {
        "/healthz",
        "/livez",
        "/readyz",
        "/ready",
        "/live",
        "/healthcheck",
        "/ping",
        "/status",
        "/api/health",
        "/-/healthy",
    }
)
"""What other servers call their health, and this one does not have."""


def check_health_path(words: Sequence[Word]) -> Iterator[Finding]:
    """A page that the server lacks gives 404, and curl -f and wget fail at it for ever."""
    for word in words:
        found = _LOCAL_URL.search(word.text)
        if found and (found["path"] or "/").rstrip("/").lower() in _NO_PAGES:
            yield finding(
                word,
                "is no page of the server",
                "It answers 404, so that curl -f and wget fail, and the container is unhealthy for ever.",
                f"{found[0].removesuffix(found['path'])}/health",
                link="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md#get-health-returns-heath-check-result",
            )
