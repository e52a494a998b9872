"""Detection through the ensemble gives what the detector's own service gives, and bad pictures end nothing."""

from __future__ import annotations

import concurrent.futures
import json
import struct
from pathlib import Path
from typing import Any

import pytest
import requests

from bakehouse.suite.session import Server

PICTURES = Path(__file__).parent / "pictures"
PIXELS = 0.5
OF_THE_DETECTOR: dict[str, list[tuple[int, float, tuple[float, float, float, float]]]] = {
    "astronaut.jpg": [(0, 0.743, (15.4, 14.8, 364.5, 508.8)), (56, 0.354, (275.7, 346.9, 500.6, 512.0))],
    "turned.jpg": [(0, 0.728, (6.5, 9.1, 227.0, 249.8)), (41, 0.374, (172.7, 212.3, 205.5, 249.8))],
}
"""Class, confidence and corners that `recipes/detector` tells of the same pictures and weights, best first."""


def ask(server: Server, *names: str) -> requests.Response:
    """The pictures as they are, in KServe's binary form."""
    contents = [(PICTURES / name).read_bytes() for name in names]
    raw = b"".join(struct.pack("<I", len(content)) + content for content in contents)
    size = {"binary_data_size": len(raw)}
    tensor = {"name": "picture", "shape": [len(names), 1], "datatype": "BYTES", "parameters": size}
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
    return requests.post(f"{server.url}/v2/models/detect/infer", data=head + raw, headers=headers, timeout=60)


def outputs(answer: requests.Response) -> dict[str, list[Any]]:
    answer.raise_for_status()
    return {one["name"]: one["data"] for one in answer.json()["outputs"]}


def holds(found: dict[str, list[Any]], row: int, name: str) -> None:
    wanted = OF_THE_DETECTOR[name]
    classes = found["classes"][100 * row : 100 * (row + 1)]
    assert classes == [one for one, _, _ in wanted] + [-1] * (100 - len(wanted))
    for place, (_, confidence, corners) in enumerate(wanted, start=100 * row):
        assert found["scores"][place] == pytest.approx(confidence, abs=0.002)
        assert found["boxes"][4 * place : 4 * place + 4] == pytest.approx(corners, abs=PIXELS)


def test_boxes_are_those_of_the_detector_also_of_a_picture_on_its_side(server: Server) -> None:
    found = outputs(ask(server, "astronaut.jpg", "turned.jpg"))

    assert found["size"] == [512, 512, 320, 250]
    holds(found, 0, "astronaut.jpg")
    holds(found, 1, "turned.jpg")


def test_requests_at_the_same_time_share_inferences(server: Server) -> None:
    def inferences() -> tuple[int, int]:
        found = requests.get(f"{server.url}/v2/models/nanodet/stats", timeout=30).json()["model_stats"][0]
        return int(found["inference_count"]), int(found["execution_count"])

    pictures, before = inferences()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        every = list(pool.map(lambda _: outputs(ask(server, "astronaut.jpg")), range(24)))
    pictures_after, after = inferences()

    assert pictures_after - pictures == 24
    assert after - before < 24
    for one in every:
        holds(one, 0, "astronaut.jpg")


@pytest.mark.parametrize(
    ("name", "reason"), [("truncated.jpg", "damaged"), ("bomb.png", "50000 x 50000 pixels; MAX_PIXELS is 40000000")]
)
def test_a_bad_picture_is_refused_and_the_next_one_served(server: Server, name: str, reason: str) -> None:
    answer = ask(server, name)

    assert answer.status_code == 400
    assert reason in answer.json()["error"]
    holds(outputs(ask(server, "astronaut.jpg")), 0, "astronaut.jpg")
