"""A budget that is too small for all: what is loaded, put away and refused, in the image as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from bakehouse.engine.container import Container, Launch
from bakehouse.engine.devices import Devices
from bakehouse.model.suite import Subject
from bakehouse.probes.health import wait_serving
from bakehouse.probes.serving import serving
from bakehouse.suite.session import Server, Session

PICTURES = Path(__file__).parent / "pictures"
Start = Callable[[Launch], Container]


@pytest.fixture
def small(subject: Subject, session: Session, devices: Devices, start_container: Start) -> Callable[[str], str]:
    """Start a server with this budget in GiB. Returns its address."""

    def start(budget: str) -> str:
        launch = serving(subject, run=session.suite.run, devices=devices)
        container = start_container(replace(launch, env=launch.env | {"BUDGET_GB": budget}))
        startup = wait_serving(container, subject.health, memory_limit=subject.memory_limit)
        return Server(container=container, startup=startup).url

    return start


def enrich(url: str, models: str) -> requests.Response:
    content = (PICTURES / "astronaut.jpg").read_bytes()
    return requests.post(f"{url}/enrich?models={models}", files={"image": content}, timeout=60)


def status(url: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{url}/models/status", timeout=10).json()
    return found


def test_models_come_and_go_within_the_budget(small: Callable[[str], str]) -> None:
    url = small("0.03")
    for models in ("emotion", "pose", "demographics", "identity", "segmentation", "pose", "emotion"):
        answer = enrich(url, models)
        assert answer.ok, answer.text
        found = status(url)
        assert found["used_bytes"] <= found["budget_bytes"]
        assert found["models"]["face"]["loaded"], "what is critical stays"
    assert sum(one["evictions"] for one in found["models"].values()) >= 1


def test_a_model_that_the_budget_cannot_hold(small: Callable[[str], str]) -> None:
    url = small("0.008")
    answer = enrich(url, "demographics")

    assert answer.status_code == 507
    assert "BUDGET_GB allows 8.2 MiB" in answer.json()["error"]["message"]
    assert enrich(url, "face").ok


def test_two_pictures_of_one_face_are_one_person(server: Server) -> None:
    """The same face in two crops is closer to itself than its eyes alone are to it."""

    def identity(box: str) -> list[float]:
        content = (PICTURES / "astronaut.jpg").read_bytes()
        body = {"models": "identity", "bbox": box}
        answer = requests.post(f"{server.url}/enrich", files={"image": content}, data=body, timeout=60)
        found: list[float] = answer.json()["enrichment"]["identity"]["embedding"]
        return found

    one, other = identity("100,10,250,250"), identity("90,20,250,250")
    assert sum(a * b for a, b in zip(one, other, strict=True)) > 0.8
