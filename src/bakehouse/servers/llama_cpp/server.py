"""llama.cpp's server: `llama-server`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bakehouse.model.serving import LOADING_STATUS, STOP_STATUSES, Told
from bakehouse.servers.device_log import DeviceLog
from bakehouse.servers.llama_cpp import bench_tool, log
from bakehouse.servers.llama_cpp.plugins import PLUGINS
from bakehouse.servers.plugins import Plugins
from bakehouse.servers.reference import ReferenceTool
from bakehouse.servers.server import MetricNames


@dataclass(frozen=True, slots=True)
class LlamaCpp:
    title = "llama.cpp's server"
    model = Told(argument="--model")
    port = Told(environment="LLAMA_ARG_PORT", argument="--port")
    version_arguments = ("--version",)
    help_arguments = ("--help",)
    health_path = "/health"
    loading_status = LOADING_STATUS
    stop_statuses = STOP_STATUSES
    api = "llama-server"
    device_log: DeviceLog = log
    reference: ReferenceTool = bench_tool
    plugins: Plugins = PLUGINS
    software_environment: Mapping[str, str] = field(default_factory=lambda: {"GGML_VK_VISIBLE_DEVICES": "0"})
    """It takes no processor as a GPU unless it is named."""
    version_from = "LLAMA_BUILD_NUMBER and LLAMA_BUILD_COMMIT"
    may_have_page = True
    serves_without_model = False
    metrics = MetricNames(
        requests_running="llamacpp:requests_processing",
        requests_waiting="llamacpp:requests_deferred",
        tokens_prompt="llamacpp:prompt_tokens_total",
        tokens_generated="llamacpp:tokens_predicted_total",
    )

    def version_text(self, *, version: str, build_number: int, commit: str) -> str:  # noqa: ARG002 - the protocol's shape
        """`build 11312, commit 0c1e57098`"""
        return f"build {build_number}, commit {commit[:9]}"

    def pinned_arguments(self, *, slots: int, context: int, threads: int, offloads: bool) -> dict[str, str]:
        """The context is divided among the slots."""
        return {
            "--parallel": str(slots),
            "--fit": "off",
            "--ctx-size": str(context),
            "--batch-size": "2048",
            "--ubatch-size": "512",
            "--flash-attn": "auto",
            "--cache-type-k": "f16",
            "--cache-type-v": "f16",
            "--threads": str(threads),
            "--threads-batch": str(threads),
            "--n-gpu-layers": "999" if offloads else "0",
        }
