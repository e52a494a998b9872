"""The service over the small model with random weights that the recipe is probed with."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from clip.app import application
from clip.preparing import DEVIATION, MEAN, pixels
from clip.settings import ClipSettings
from PIL import Image
from service.pictures import Picture

from tests.unit.recipes.running import loaded, running

MODELS = Path(__file__).parents[4] / "recipes/clip/tests/models"


def settings(**more: Any) -> ClipSettings:
    return ClipSettings(**{"model": MODELS / "vision_model.onnx", "threads": 1, "decoders": 1, **more})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(application(settings())) as address:
        assert loaded(address).ok
        yield address


def picture(red: int, size: int = 64) -> bytes:
    """With a bright corner, so that parts differ."""
    image = Image.new("RGB", (size, size), (red, 0, 0))
    image.paste((0, 255, 255), (0, 0, size // 2, size // 2))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def embed(url: str, *pictures: bytes, texts: tuple[str, ...] = (), **form: str) -> list[list[float]]:
    if texts:
        answer = requests.post(f"{url}/embed", json={"texts": list(texts)}, timeout=10)
    else:
        files = [(str(index), one) for index, one in enumerate(pictures)]
        answer = requests.post(f"{url}/embed", files=files, data=form, timeout=10)
    answer.raise_for_status()
    found: list[list[float]] = answer.json()["embeddings"]
    return found


def product(one: list[float], other: list[float]) -> float:
    return float(np.dot(one, other))


class TestEmbed:
    def test_768_numbers_of_length_1(self, url: str) -> None:
        found = [*embed(url, picture(255), picture(0)), *embed(url, texts=("a cat", "a dog in a car"))]
        assert [len(one) for one in found] == [768] * 4
        assert [product(one, one) for one in found] == pytest.approx([1] * 4, abs=1e-4)

    def test_a_batch_is_as_each_alone(self, url: str) -> None:
        (alone,) = embed(url, picture(9))
        assert product(alone, embed(url, picture(200), picture(9))[1]) > 0.9999
        (text,) = embed(url, texts=("a cat",))
        assert product(text, embed(url, texts=("a photo of a dog in a red car", "a cat"))[1]) > 0.9999

    def test_a_part_is_seen_as_a_picture_of_its_own(self, url: str) -> None:
        (part,) = embed(url, picture(255), bbox="32,32,32,32")
        out = io.BytesIO()
        Image.new("RGB", (32, 32), (255, 0, 0)).save(out, "PNG")
        assert product(part, embed(url, out.getvalue())[0]) > 0.9999
        assert product(part, embed(url, picture(255))[0]) < 0.9999

    def test_pictures_come_before_texts(self, url: str) -> None:
        answer = requests.post(f"{url}/embed", json={"texts": ["a cat"]}, timeout=10).json()
        assert answer["dimensions"] == 768


class TestClassify:
    def test_shares_add_up_and_follow_the_products(self, url: str) -> None:
        labels = ["a cat", "a dog", "a red car"]
        form = {"labels": ", ".join(labels)}
        answer = requests.post(f"{url}/classify", files={"a": picture(255)}, data=form, timeout=10).json()

        seen, read = embed(url, picture(255))[0], embed(url, texts=tuple(labels))
        logits = np.array([product(seen, one) for one in read]) * 100
        expected = np.exp(logits) / np.exp(logits).sum()
        assert list(answer["scores"].values()) == pytest.approx(expected.tolist(), abs=1e-3)
        assert answer["top_label"] == labels[int(expected.argmax())]


class TestAnomaly:
    def score(self, url: str, content: bytes, baseline: list[float]) -> dict[str, float]:
        body = {"image_base64": base64.b64encode(content).decode(), "baseline_embedding": baseline}
        found: dict[str, float] = requests.post(f"{url}/anomaly_score", json=body, timeout=10).json()
        return found

    def test_what_is_the_same_is_none(self, url: str) -> None:
        (baseline,) = embed(url, picture(255))
        assert self.score(url, picture(255), baseline)["anomaly_score"] == pytest.approx(0, abs=1e-4)
        longer = [one * 5 for one in baseline]
        assert self.score(url, picture(255), longer)["anomaly_score"] == pytest.approx(0, abs=1e-4)

    def test_its_opposite_is_1_and_no_more(self, url: str) -> None:
        (baseline,) = embed(url, picture(255))
        found = self.score(url, picture(255), [-one for one in baseline])
        assert found["anomaly_score"] == 1
        assert found["similarity_to_baseline"] == pytest.approx(-1, abs=1e-4)


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("embed", {}, 422, "neither a picture nor texts"),
        ("embed", {"texts": []}, 422, "texts"),
        ("embed", {"texts": [""]}, 422, "texts.0"),
        ("embed", {"texts": "x"}, 422, "texts"),
        ("embed", {"texts": ["x" * 100_001]}, 413, "MAX_CHARACTERS is 100000"),
        ("embed", {"texts": ["x"] * 257}, 413, "MAX_TEXTS is 256"),
        ("classify", {"labels": ["a cat"]}, 422, "no picture"),
        ("classify", {"image_base64": "YQ=="}, 422, "labels"),
        ("anomaly_score", {"image_base64": "YQ==", "baseline_embedding": [1.0]}, 422, "1 numbers; the model has 768"),
        ("anomaly_score", {"image_base64": "YQ==", "baseline_embedding": [0] * 768}, 422, "its length"),
        ("anomaly_score", {"image_base64": "YQ==", "baseline_embedding": ["1"] * 768}, 422, "and 1531 more"),
    ],
)
def test_what_is_refused(url: str, path: str, body: dict[str, Any], status: int, message: str) -> None:
    answer = requests.post(f"{url}/{path}", json=body, timeout=10)
    assert answer.status_code == status, answer.text
    assert message in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"model": Path("/models/x.onnx")}, "MODEL: there is no file /models/x.onnx"),
        ({"text_model": Path("/models/x.onnx")}, "TEXT_MODEL: there is no file"),
        ({"tokenizer": Path("/models/x.json")}, "TOKENIZER: there is no file"),
        ({"model": MODELS / "text_model.onnx"}, ""),
    ],
)
def test_what_keeps_it_from_being_ready(more: dict[str, Any], message: str) -> None:
    with running(application(settings(**more))) as address:
        answer = loaded(address)
    assert answer.status_code == 503
    assert answer.json()["error"]["message"].startswith(message)


def test_the_middle_of_a_picture_that_is_not_square() -> None:
    """Only the middle third of 300 x 100 is red: nothing else may be seen."""
    image = Image.new("RGB", (300, 100), (0, 0, 0))
    image.paste((255, 0, 0), (90, 0, 210, 100))
    values = pixels(Picture(image=image, width=300, height=100), 50)

    expected = (np.array([1, 0, 0], np.float32) - MEAN) / DEVIATION
    np.testing.assert_allclose(values, np.broadcast_to(expected[:, None, None], (3, 50, 50)), atol=1e-5)


def test_what_would_be_ignored_is_refused(url: str) -> None:
    twice = requests.post(f"{url}/classify", files={"a": picture(9)}, data={"labels": "a, b,a"}, timeout=10)
    bare = requests.post(f"{url}/embed", json={"texts": ["a"], "bbox": [0, 0, 1, 1]}, timeout=10)
    assert (twice.status_code, bare.status_code) == (422, 422)
    assert "comes twice" in twice.text
    assert "there is no picture" in bare.text


@pytest.mark.parametrize("size", [(1, 100_000), (100_000, 1), (1, 1)])
def test_a_line_costs_no_more_than_a_picture(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (9, 9, 9))
    found = pixels(Picture(image=image, width=size[0], height=size[1]), 224)
    assert found.shape == (3, 224, 224)


def test_what_is_long_but_not_that_long_is_resized_whole() -> None:
    values = np.random.default_rng(1).integers(0, 255, (8, 500, 3), dtype=np.uint8)
    image = Image.fromarray(values)
    whole = np.asarray(image.resize((14_000, 224), Image.Resampling.BICUBIC).crop((6888, 0, 7112, 224)), np.float32)
    found = pixels(Picture(image=image, width=500, height=8), 224)
    assert np.allclose(found.transpose(1, 2, 0) * DEVIATION + MEAN, whole / 255, atol=1e-6)


def test_more_tokens_than_the_model_has_positions_for_are_said_before_it_is_ready() -> None:
    with running(application(settings(max_tokens=500))) as address:
        answer = loaded(address)
    assert answer.status_code == 503
    assert "MAX_TOKENS=500: the model does not take a text of so many tokens" in answer.text
