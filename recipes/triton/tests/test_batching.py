"""Dynamic batching and binary tensors: what one request after the other cannot show."""

from __future__ import annotations

import concurrent.futures
import json
import math
import struct

import requests

from bakehouse.suite.session import Server

MEAL, PARAPHRASE, MARKET = "a man is eating food", "someone has a meal", "the stock market fell"


def embed(server: Server, *texts: str) -> list[list[float]]:
    tensor = {"name": "text", "shape": [len(texts), 1], "datatype": "BYTES", "data": list(texts)}
    answer = requests.post(f"{server.url}/v2/models/sentence/infer", json={"inputs": [tensor]}, timeout=60)
    answer.raise_for_status()
    data = answer.json()["outputs"][0]["data"]
    return [data[384 * row : 384 * (row + 1)] for row in range(len(texts))]


def cosine(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def statistics(server: Server) -> tuple[int, int]:
    """Texts that were encoded, and the inferences that they took."""
    found = requests.get(f"{server.url}/v2/models/encode/stats", timeout=30).json()["model_stats"][0]
    return int(found["inference_count"]), int(found["execution_count"])


def test_a_paraphrase_is_close_and_another_subject_is_far(server: Server) -> None:
    meal, paraphrase, market = embed(server, MEAL, PARAPHRASE, MARKET)

    assert math.isclose(cosine(meal, meal), 1.0, abs_tol=1e-4)
    assert cosine(meal, paraphrase) > 0.5
    assert cosine(meal, market) < 0.2


def test_requests_at_the_same_time_share_inferences(server: Server) -> None:
    texts, inferences = statistics(server)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        together = [one for (one,) in pool.map(lambda _: embed(server, MEAL), range(64))]
    texts_after, inferences_after = statistics(server)

    assert texts_after - texts == 64
    assert inferences_after - inferences < 64
    assert min(cosine(one, together[0]) for one in together) > 0.98


def test_binary_tensors_are_taken_and_given(server: Server) -> None:
    word = MEAL.encode()
    raw = struct.pack("<I", len(word)) + word
    tensor = {
        "name": "text",
        "shape": [1, 1],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(raw)},
    }
    head = json.dumps(
        {"inputs": [tensor], "outputs": [{"name": "embedding", "parameters": {"binary_data": True}}]}
    ).encode()
    headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
    answer = requests.post(f"{server.url}/v2/models/sentence/infer", data=head + raw, headers=headers, timeout=60)
    answer.raise_for_status()
    end = int(answer.headers["Inference-Header-Content-Length"])
    vector = struct.unpack("<384f", answer.content[end:])

    assert cosine(list(vector), embed(server, MEAL)[0]) > 0.98
