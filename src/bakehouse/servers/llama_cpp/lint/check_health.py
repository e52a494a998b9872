"""A health check that asks the server for a page that it does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bakehouse.lint.finding import Finding, Severity, finding
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


_CURL = re.compile(r"(?:^|[\s/])curl(?P<rest>(?:\s.*)?)$", re.DOTALL)
_FAILS = re.compile(r"(?:^|\s)(?:-[A-Za-z]*f[A-Za-z]*|--fail\S*|-w|--write-out|-o)(?:\s|$)|\||\$\(|grep|==|jq")
"""An option, or something around it, by which a status other than 200 is seen."""


def check_health_path(words: Sequence[Word]) -> Iterator[Finding]:
    """A page that the server lacks gives 404, and curl -f and wget fail at it for ever."""
    yield from _check_status(words)
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


def _check_status(words: Sequence[Word]) -> Iterator[Finding]:
    """Curl ends with 0 whatever the status, unless it is told to fail."""
    found = _CURL.search(" ".join(word.text for word in words))
    if found and "/health" in found["rest"] and not _FAILS.search(found["rest"].split("||")[0]):
        word = next(word for word in words if "curl" in word.text)
        yield finding(
            word,
            "does not fail while the model is loaded",
            "Until then the server answers with 503, and curl without -f ends with 0: the container counts as healthy.",
            "curl -f",
            subject="curl",
            severity=Severity.WARNING,
        )
