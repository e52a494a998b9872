"""One space for what is seen: length 1, near what is alike, and the same for those who ask together."""

from __future__ import annotations

import base64
import concurrent.futures
import math
from pathlib import Path

import pytest
import requests

from bakehouse.suite.session import Server

PICTURES = Path(__file__).parent / "pictures"


def embed(server: Server, name: str, **options: str) -> list[float]:
    content = (PICTURES / name).read_bytes()
    answer = requests.post(f"{server.url}/embed", files={"image": content}, data=options, timeout=60)
    answer.raise_for_status()
    (found,) = answer.json()["embeddings"]
    numbers: list[float] = found
    return numbers


def product(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_vectors_have_length_1(server: Server) -> None:
    seen = embed(server, "astronaut.jpg")
    read = requests.post(f"{server.url}/embed", json={"texts": ["a person", "x " * 5000]}, timeout=60).json()
    assert all(math.isclose(product(one, one), 1, abs_tol=1e-4) for one in (seen, *read["embeddings"]))


def test_a_picture_is_no_anomaly_beside_itself(server: Server) -> None:
    baseline = embed(server, "astronaut.jpg")

    def score(name: str) -> float:
        text = base64.b64encode((PICTURES / name).read_bytes()).decode()
        body = {"image_base64": text, "baseline_embedding": baseline}
        found: float = requests.post(f"{server.url}/anomaly_score", json=body, timeout=60).json()["anomaly_score"]
        return found

    assert score("astronaut.jpg") == pytest.approx(0, abs=1e-4)
    assert 0 < score("cmyk.jpg") < 0.1, "the same in other colours of print, and smaller"


def test_those_who_ask_together_get_what_they_get_alone(server: Server) -> None:
    alone = [embed(server, "astronaut.jpg", bbox=f"{x},0,200,200") for x in range(4)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda x: embed(server, "astronaut.jpg", bbox=f"{x % 4},0,200,200"), range(24)))
    assert min(product(alone[index % 4], one) for index, one in enumerate(together)) > 0.9999
