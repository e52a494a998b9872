from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bakehouse.pipeline import stack_run
from bakehouse.probes import ProbeFailed

SERVICES = tuple(
    SimpleNamespace(name=name, scrape=name != "sidecar", profile=None)
    for name in ("chat", "detector", "sidecar", "watch")
)
RUNNING: Any = SimpleNamespace(plan=SimpleNamespace(services=SERVICES), url=lambda name: f"http://{name}")


def seen(monkeypatch: pytest.MonkeyPatch, values: dict[str, float]) -> None:
    monkeypatch.setattr(stack_run, "_query", lambda *_: values)


def test_who_watches_saw_each_scraped_service_go(monkeypatch: pytest.MonkeyPatch) -> None:
    seen(monkeypatch, {"chat": 0.0, "detector": 0.0, "watch": 1.0})
    assert stack_run._saw_all_go(RUNNING, "watch").removeprefix("seen away: ") == "chat, detector"


@pytest.mark.parametrize("values", [{"chat": 0.0, "detector": 1.0}, {"chat": 0.0}])
def test_a_service_that_was_not_seen_to_go_is_named(monkeypatch: pytest.MonkeyPatch, values: dict[str, float]) -> None:
    """Its target is wrong, or nothing is scraped at all."""
    seen(monkeypatch, values)
    with pytest.raises(ProbeFailed, match="did not see detector go"):
        stack_run._saw_all_go(RUNNING, "watch")
