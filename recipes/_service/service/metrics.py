"""What `/metrics` says, in Prometheus's names of the field."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SHORT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets, seconds: from one step of a fast card to a request that somebody gives up."""
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """One registry for each application, so that tests start from nothing."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        kind: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("http_requests_total", "Requests.", ["path", "status"], **kind)
        self.latency = Histogram("http_request_duration_seconds", "Time of a request.", ["path"], buckets=SHORT, **kind)
        self.items = Counter("inference_items_total", "Items that were computed.", **kind)
        self.batch = Histogram("inference_batch_size", "Items of one inference.", buckets=SIZES, **kind)
        self.wait = Histogram(
            "inference_queue_seconds", "Time that the oldest item of a batch waited.", buckets=SHORT, **kind
        )
        self.compute = Histogram("inference_duration_seconds", "Time of one inference.", buckets=SHORT, **kind)
        self.stages = Histogram(
            "request_stage_seconds", "Time of a step beside inference.", ["stage"], buckets=SHORT, **kind
        )
        self.refused = Counter("requests_refused_total", "Requests that were refused.", ["reason"], **kind)
        self.ready = Gauge("service_ready", "1 when the model is loaded on the device it is meant for.", **kind)
        self._held: list[Callable[[], int]] = []
        queue = Gauge("inference_queue_items", "Items that wait, or are being worked on.", **kind)
        queue.set_function(lambda: sum(count() for count in self._held))

    def holds(self, count: Callable[[], int]) -> None:
        """Add a place where items are held: a service may have several."""
        self._held.append(count)

    def observe(self, size: int, waited: float, took: float) -> None:
        """One inference. Seconds."""
        self.items.inc(size)
        self.batch.observe(size)
        self.wait.observe(waited)
        self.compute.observe(took)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.stages.labels(name).observe(time.perf_counter() - begin)
