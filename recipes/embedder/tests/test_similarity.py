"""What a sentence means: close to its paraphrase, far from another. Cases in recipe.yaml cannot multiply vectors."""

from __future__ import annotations

import concurrent.futures
import math

import requests

from bakehouse.suite.session import Server

MEAL, PARAPHRASE, MARKET = "a man is eating food", "someone has a meal", "the stock market fell"
TOLERANCE = 0.02
"""Between one text and the same in a batch with longer ones: the weights have 8 bits."""


def embed(server: Server, *texts: str) -> list[list[float]]:
    answer = requests.post(f"{server.url}/v1/embeddings", json={"input": list(texts)}, timeout=30)
    answer.raise_for_status()
    return [row["embedding"] for row in answer.json()["data"]]


def cosine(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def test_a_paraphrase_is_close_and_another_subject_is_far(server: Server) -> None:
    meal, paraphrase, market = embed(server, MEAL, PARAPHRASE, MARKET)

    assert all(math.isclose(cosine(one, one), 1.0, abs_tol=1e-4) for one in (meal, paraphrase, market))
    assert cosine(meal, paraphrase) > 0.5
    assert cosine(meal, market) < 0.2


def test_a_batch_changes_no_embedding(server: Server) -> None:
    """Texts of many clients share an inference, padded to the longest."""
    (alone,) = embed(server, MEAL)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda number: embed(server, MEAL, "a longer text " * number)[0], range(1, 25)))

    assert min(cosine(alone, one) for one in together) > 1 - TOLERANCE
