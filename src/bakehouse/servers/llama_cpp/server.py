"""llama.cpp's server: `llama-server`. What it says in its log is read by the probes."""

from __future__ import annotations

from dataclasses import dataclass

from bakehouse.model.serving import Told
from bakehouse.servers.server import Api, Metrics


@dataclass(frozen=True, slots=True)
class LlamaCpp:
    title = "llama.cpp's server"
    model = Told(argument="--model")
    port = Told(environment="LLAMA_ARG_PORT", argument="--port")
    version_arguments = ("--version",)
    help_arguments = ("--help",)
    device_arguments = ("--list-devices",)
    health_path = "/health"
    api: Api = "llama-server"
    tells_device = True
    may_have_page = True
    serves_without_model = False
    metrics = Metrics(
        requests_running="llamacpp:requests_processing",
        requests_waiting="llamacpp:requests_deferred",
        tokens_prompt="llamacpp:prompt_tokens_total",
        tokens_generated="llamacpp:tokens_predicted_total",
    )

    def version_text(self, *, version: str, build_number: int, commit: str) -> str:  # noqa: ARG002 - the protocol's shape
        """`build 11312, commit 0c1e57098`"""
        return f"build {build_number}, commit {commit[:9]}"
