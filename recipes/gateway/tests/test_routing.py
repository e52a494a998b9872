"""The gateway between two backends beside it: by model, as they come, and without one that is gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from bakehouse.engine.container import Container, Launch
from bakehouse.model.suite import Subject, Suite
from bakehouse.probes.serving import bare

KEY = "a-key-for-probes-only"
BACKEND = Path(__file__).with_name("backend.py")
PATIENCE = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    url: str
    backends: dict[str, str]
    """Model to the address at which this machine reaches its backend."""

    def ask(self, model: str, *, stream: bool = False) -> requests.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Who is there?"}], "stream": stream}
        headers = {"Authorization": f"Bearer {KEY}"}
        return requests.post(
            f"{self.url}/v1/chat/completions", json=body, headers=headers, stream=stream, timeout=PATIENCE
        )

    def send_away(self, model: str, *, seconds: float) -> None:
        requests.post(f"{self.backends[model]}/away", json=seconds, timeout=PATIENCE).raise_for_status()

    def models(self) -> list[str]:
        answer = requests.get(f"{self.url}/v1/models", headers={"Authorization": f"Bearer {KEY}"}, timeout=PATIENCE)
        return sorted(row["id"] for row in answer.json().get("data", ()))


@pytest.fixture
def gateway(subject: Subject, suite: Suite, start_container: Callable[[Launch], Container]) -> Gateway:
    backends, addresses = {}, []
    for model in ("alpha", "beta"):
        launch = bare(subject, run=suite.run, args=("/backend.py", model), entrypoint="/app/env/bin/python")
        container = start_container(replace(launch, files={str(BACKEND): "/backend.py"}, port=8000))
        backends[model] = container.url
        addresses.append(f"http://{container.state().address}:8000")
    env = {"API_KEY": KEY, "BACKENDS": " ".join(addresses), "HEALTH_INTERVAL_S": "1", "BREAKER_S": "1"}
    launched = start_container(replace(bare(subject, run=suite.run), env=env, port=subject.port))
    found = Gateway(url=launched.url, backends=backends)
    until(lambda: found.models() == ["alpha", "beta"], "both models are listed")
    return found


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    pytest.fail(f"not after {PATIENCE:g} s: {what}")


def content(answer: requests.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["choices"][0]["message"]["content"])


def test_a_request_goes_to_the_backend_with_its_model(gateway: Gateway) -> None:
    assert content(gateway.ask("alpha")) == f"alpha with Bearer {KEY}"
    assert content(gateway.ask("beta")) == f"beta with Bearer {KEY}"
    assert gateway.ask("gamma").status_code == 404


def test_a_stream_comes_piece_by_piece(gateway: Gateway) -> None:
    """The backend sends four pieces, half a second apart; one that held them back would give all at the end."""
    with gateway.ask("alpha", stream=True) as answer:
        moments = [time.monotonic() for line in answer.iter_lines() if line.startswith(b"data: {")]

    assert len(moments) == 4
    assert moments[-1] - moments[0] > 1.0


def test_a_backend_that_is_gone_is_left_out_and_comes_back(gateway: Gateway, note: Callable[[str], None]) -> None:
    gateway.send_away("beta", seconds=6.0)
    begin = time.monotonic()
    until(lambda: gateway.ask("beta").status_code == 503, "the dead backend's model is refused")
    gone = time.monotonic() - begin
    assert content(gateway.ask("alpha")).startswith("alpha")
    until(lambda: gateway.ask("beta").status_code == 200, "the backend that came back is asked again")
    note(f"refused after {gone:.1f} s, back after {time.monotonic() - begin:.1f} s")
