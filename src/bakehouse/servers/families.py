"""Every family by its name in recipes. A new one is a module, or a value here, and a line in `SERVERS`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bakehouse.model.serving import LOADING_STATUS, STOP_STATUSES, ServerName, Told
from bakehouse.servers.device_log import DeviceLog
from bakehouse.servers.llama_cpp.server import LlamaCpp
from bakehouse.servers.plugins import Plugins
from bakehouse.servers.reference import ReferenceTool
from bakehouse.servers.server import OPENAI, MetricNames, ServerFamily


@dataclass(frozen=True, kw_only=True, slots=True)
class Plain:
    """A family that is known by its HTTP interface alone."""

    title: str
    model: Told
    port: Told
    health_path: str
    loading_status: int | None = LOADING_STATUS
    stop_statuses: tuple[int, ...] = STOP_STATUSES
    api: str | None = None
    metrics: MetricNames = field(default_factory=MetricNames)
    version_arguments: tuple[str, ...] | None = None
    help_arguments: tuple[str, ...] | None = None
    device_log: DeviceLog | None = None
    reference: ReferenceTool | None = None
    plugins: Plugins | None = None
    software_environment: Mapping[str, str] = field(default_factory=dict)
    version_from: str = ""
    may_have_page: bool = False
    serves_without_model: bool = False

    def version_text(self, *, version: str, build_number: int, commit: str) -> str:  # noqa: ARG002 - the protocol's shape
        return version

    def pinned_arguments(self, *, slots: int, context: int, threads: int, offloads: bool) -> dict[str, str]:  # noqa: ARG002 - the protocol's shape
        """Nothing is known of its options: a recipe's `probes.args` pin what matters."""
        return {}


SERVERS: dict[ServerName, ServerFamily] = {
    "llama.cpp": LlamaCpp(),
    "openai": Plain(
        title="a server with OpenAI's API, as vLLM has it",
        model=Told(argument="--model"),
        port=Told(argument="--port"),
        health_path="/health",
        loading_status=None,
        api=OPENAI,
        metrics=MetricNames(
            requests_running="vllm:num_requests_running",
            requests_waiting="vllm:num_requests_waiting",
            tokens_prompt="vllm:prompt_tokens_total",
            tokens_generated="vllm:generation_tokens_total",
        ),
    ),
    "kserve-v2": Plain(
        title="a server with KServe's v2 protocol, as Triton has it",
        model=Told(argument="--model-repository"),
        port=Told(argument="--http-port"),
        health_path="/v2/health/ready",
        loading_status=None,
        stop_statuses=(*STOP_STATUSES, 1),
        metrics=MetricNames(requests_waiting="nv_inference_pending_request_count"),
    ),
    "http": Plain(
        title="a server that speaks HTTP",
        model=Told(environment="MODEL"),
        port=Told(environment="PORT"),
        health_path="/health",
        serves_without_model=True,
    ),
}

REFERENCE_TOOLS: tuple[ReferenceTool, ...] = tuple(
    server.reference for server in SERVERS.values() if server.reference is not None
)
REFERENCE = " or ".join(tool.program for tool in REFERENCE_TOOLS)
"""For people: what is called the reference where it is not known which of them it was."""
