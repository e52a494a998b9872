"""How each family of servers is deployed, by its name in recipes."""

from __future__ import annotations

from bakehouse.model.serving import ServerName
from bakehouse.servers.deploying import Deployment
from bakehouse.servers.llama_cpp.memory import DEPLOYMENT

DEPLOYMENTS: dict[ServerName, Deployment] = {
    "llama.cpp": DEPLOYMENT,
    "openai": Deployment(
        metrics_path="/metrics",
        name_argument="--served-model-name",
        cache_used="vllm:kv_cache_usage_perc",
        share_argument="--gpu-memory-utilization",
    ),
    "kserve-v2": Deployment(metrics_path="/metrics"),
    "http": Deployment(metrics_path="/metrics"),
}
