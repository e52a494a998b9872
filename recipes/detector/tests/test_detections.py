"""Where the person is, whoever asks beside; and what a declared probe cannot hold: a real bomb."""

from __future__ import annotations

import base64
import concurrent.futures
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
import requests

from bakehouse.suite.session import Server

PICTURES = Path(__file__).parent / "pictures"
PERSON = (20.0, 14.0, 362.0, 511.0)
"""Left, top, right, bottom in astronaut.jpg, by eye."""


def detections(answer: requests.Response) -> list[dict[str, Any]]:
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["detections"]
    return found


def overlap(found: dict[str, float], wanted: tuple[float, float, float, float]) -> float:
    """Intersection over union."""
    left, top, right, bottom = found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]
    across = max(0.0, min(right, wanted[2]) - max(left, wanted[0]))
    down = max(0.0, min(bottom, wanted[3]) - max(top, wanted[1]))
    area = (right - left) * (bottom - top) + (wanted[2] - wanted[0]) * (wanted[3] - wanted[1]) - across * down
    return across * down / area


def test_the_astronaut_is_a_person_in_the_right_place(server: Server) -> None:
    content = (PICTURES / "astronaut.jpg").read_bytes()
    body = {"image_base64": base64.b64encode(content).decode(), "classes": "person"}
    (person,) = detections(requests.post(f"{server.url}/detect", json=body, timeout=30))

    assert overlap(person["bbox"], PERSON) > 0.85


def test_those_who_ask_together_get_what_they_get_alone(server: Server) -> None:
    """Pictures of many clients share an inference."""
    contents = [(PICTURES / name).read_bytes() for name in ("astronaut.jpg", "cmyk.jpg", "16-bit.png", "turned.jpg")]

    def ask(content: bytes) -> list[dict[str, Any]]:
        return detections(requests.post(f"{server.url}/detect", files={"image": content}, timeout=60))

    alone = [ask(content) for content in contents]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        together = list(pool.map(ask, contents * 6))

    for index, found in enumerate(together):
        expected = alone[index % len(contents)]
        assert [one["class"] for one in found] == [one["class"] for one in expected]
        for one, other in zip(found, expected, strict=True):
            assert one["confidence"] == pytest.approx(other["confidence"], abs=1e-3)
            assert list(one["bbox"].values()) == pytest.approx(list(other["bbox"].values()), abs=0.5)


def test_a_whole_bomb_costs_nothing(server: Server) -> None:
    """2.5 thousand million pixels in 300 KB, valid to its last byte."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 50_000 // 8)
    content = b"".join(packer.compress(row) for _ in range(50_000)) + packer.flush()
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0))
    png += chunk(b"IDAT", content) + chunk(b"IEND", b"")

    answer = requests.post(f"{server.url}/detect", files={"image": png}, timeout=30)

    assert answer.status_code == 413
    assert requests.get(f"{server.url}/ready", timeout=10).ok


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
