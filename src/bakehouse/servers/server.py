"""The interface that each family of servers implements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bakehouse.model.serving import Told
from bakehouse.servers.device_log import DeviceLog
from bakehouse.servers.plugins import Plugins
from bakehouse.servers.reference import ReferenceTool

OPENAI = "openai"
"""The API of /v1/completions and /v1/chat/completions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricNames:
    """Names of the family's Prometheus metrics; None where it has none."""

    requests_running: str | None = None
    requests_waiting: str | None = None
    tokens_prompt: str | None = None
    tokens_generated: str | None = None


class ServerFamily(Protocol):
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
    def health_path(self) -> str:
        """Says `loading_status` while the model loads, and 200 when it can serve."""
        ...

    @property
    def loading_status(self) -> int | None:
        """503; None: it opens its port when the model is loaded, as Triton and vLLM do."""
        ...

    @property
    def stop_statuses(self) -> tuple[int, ...]:
        """Exit statuses after SIGTERM. Triton's is 1 where a client held a connection open all the time."""
        ...

    @property
    def api(self) -> str | None:
        """Which API token rates are measured by: `openai`, or the family's name for its own /completion, which says the
        server's timings. None: a recipe says what is measured.
        """
        ...

    @property
    def device_log(self) -> DeviceLog | None:
        """What its log says of where the model lies and computes; None: nothing is known of that."""
        ...

    @property
    def reference(self) -> ReferenceTool | None:
        """A program in its image that measures the same rates without a server; None where it has none."""
        ...

    @property
    def plugins(self) -> Plugins | None:
        """How it loads backends that are files of their own; None: it has none."""
        ...

    @property
    def software_environment(self) -> Mapping[str, str]:
        """Variables with which it takes a driver in software for a device, where there is no card."""
        ...

    @property
    def version_from(self) -> str:
        """What sets the version where it is built, for the hint of a wrong one; empty where nothing is known."""
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
    def metrics(self) -> MetricNames: ...

    def version_text(self, *, version: str, build_number: int, commit: str) -> str:
        """What the version's output must contain."""
        ...

    def pinned_arguments(self, *, slots: int, context: int, threads: int, offloads: bool) -> Mapping[str, str]:
        """Option to value: settle what would change a rate when the program changes a default.

        `slots`: requests that are worked on at the same time. `context`: tokens of all of them together. `offloads`:
        whether there is an accelerator.
        """
        ...
