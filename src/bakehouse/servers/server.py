"""The seam between the flow and the families of servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from bakehouse.model.serving import Told

Api = Literal["llama-server", "openai"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Metrics:
    """Names of the family's Prometheus metrics; None where it has none."""

    requests_running: str | None = None
    requests_waiting: str | None = None
    tokens_prompt: str | None = None
    tokens_generated: str | None = None


class Server(Protocol):
    @property
    def title(self) -> str:
        """For people."""
        ...

    @property
    def model(self) -> Told:
        """How it is told its model."""
        ...

    @property
    def port(self) -> Told:
        """How it is told its port."""
        ...

    @property
    def version_arguments(self) -> tuple[str, ...] | None:
        """Arguments with which it prints its version and ends; None where it has none."""
        ...

    @property
    def help_arguments(self) -> tuple[str, ...] | None:
        """Arguments with which it prints its help and ends."""
        ...

    @property
    def device_arguments(self) -> tuple[str, ...] | None:
        """Arguments with which it lists accelerators and ends."""
        ...

    @property
    def health_path(self) -> str:
        """Says 503 while the model loads, and 200 when it can serve."""
        ...

    @property
    def api(self) -> Api | None:
        """Which API token rates are measured by; None: a recipe says what is measured."""
        ...

    @property
    def tells_device(self) -> bool:
        """Whether its log says where the model lies and computes."""
        ...

    @property
    def may_have_page(self) -> bool:
        """Whether it can serve a web page of its own, so that a recipe without one must serve none."""
        ...

    @property
    def serves_without_model(self) -> bool:
        """Whether it may be of a kind that needs no model, so that it is started where a recipe names none."""
        ...

    @property
    def metrics(self) -> Metrics: ...

    def version_text(self, *, version: str, build_number: int, commit: str) -> str:
        """What the version's output must contain."""
        ...
