"""The profiles: an image that is told by variables what a user wants of it, and by nothing that is baked into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from bakehouse.engine.container import Container, Launch
from bakehouse.engine.devices import Devices
from bakehouse.lint.compose_file import read_env_file
from bakehouse.model.suite import Subject, Suite
from bakehouse.probes.health import wait_docker_healthy, wait_serving
from bakehouse.probes.serving import serving

FOLDER = Path(__file__).parent.parent / "profiles"


@pytest.mark.parametrize("profile", ["nemotron", "rtx5090"])
def test_serves_as_the_profile_says(
    subject: Subject, suite: Suite, devices: Devices, profile: str, start_container: Callable[[Launch], Container]
) -> None:
    file = FOLDER / f"{profile}.env"
    told = {one.name: one.value for one in read_env_file(file.read_text(encoding="utf-8"), file=file.name)}
    launch = serving(subject, run=suite.run, devices=devices, health_interval=1)
    container = start_container(replace(launch, env=launch.env | told, port=int(told["LLAMA_ARG_PORT"])))
    wait_serving(container, subject.health, memory_limit=subject.memory_limit)

    properties = requests.get(f"{container.url}/props", timeout=30).json()
    slots = int(told["LLAMA_ARG_N_PARALLEL"])
    (model,) = requests.get(f"{container.url}/v1/models", timeout=30).json()["data"]
    most = min(int(told["LLAMA_ARG_CTX_SIZE"]) // slots, model["meta"]["n_ctx_train"])
    assert properties["total_slots"] == slots
    assert properties["default_generation_settings"]["n_ctx"] == most
    assert requests.get(f"{container.url}/metrics", timeout=30).status_code == 200
    wait_docker_healthy(container, subject.health)
