"""OpenAI's API, over a model that says how long a text is."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from embedder import app
from embedder.app import application
from embedder.model import Text, Vector
from embedder.settings import EmbedderSettings

from tests.unit.recipes.running import loaded, running


class Lengths:
    """A token for each word; an embedding of two numbers."""

    dimensions = 2

    def __init__(self, _: EmbedderSettings) -> None:
        pass

    def load(self) -> None:
        pass

    def info(self) -> dict[str, Any]:
        return {}

    def tokens(self, text: str) -> Text:
        return Text(ids=tuple(range(len(text.split()))))

    def embed(self, texts: Sequence[Text]) -> list[Vector]:
        return [np.array([len(text.ids), 0.5], dtype=np.float32) for text in texts]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "Embedder", Lengths)
        settings = EmbedderSettings(model=Path("mini.onnx"), max_texts=4, max_characters=100)
        with running(application(settings)) as address:
            assert loaded(address).ok
            yield address


def ask(url: str, **body: Any) -> requests.Response:
    return requests.post(f"{url}/v1/embeddings", json=body, timeout=10)


def test_texts_in_their_order_with_what_they_used(url: str) -> None:
    found = ask(
        url, input=["a", "a b c"], model="mini", user="me", dimensions=None, encoding_format=None, extra=1
    ).json()
    assert [(one["index"], one["embedding"]) for one in found["data"]] == [(0, [1.0, 0.5]), (1, [3.0, 0.5])]
    assert (found["object"], found["model"]) == ("list", "mini")
    assert found["usage"] == {"prompt_tokens": 4, "total_tokens": 4}


def test_base64_holds_the_same_numbers(url: str) -> None:
    found = ask(url, input="a b", encoding_format="base64", dimensions=2).json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(found), "<f4").tolist() == [2.0, 0.5]


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({"input": [1, 2]}, 422, "input: ids of tokens are another tokenizer's; send texts"),
        ({"input": [[1, 2], [3]]}, 422, "input: ids of tokens are another tokenizer's; send texts"),
        ({"input": []}, 422, "input: there is no text"),
        ({"input": ["a", ""]}, 422, "input: a text is empty"),
        ({"input": ["a", None]}, 422, "input: expected a text or a list of texts; number 2 is none"),
        ({"input": True}, 422, "input: expected a text"),
        ({}, 422, "input: Field required"),
        ({"input": ["a"] * 5}, 422, "5 texts; MAX_TEXTS is 4"),
        ({"input": "a" * 101}, 413, "101 characters; MAX_CHARACTERS is 100"),
        ({"input": "a", "dimensions": 3}, 422, "dimensions: the model has 2"),
        ({"input": "a", "dimensions": "2"}, 422, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, 422, "encoding_format"),
        ({"input": "a", "model": "gpt-4"}, 404, "there is no model 'gpt-4'"),
    ],
)
def test_what_is_wrong_is_said(url: str, given: dict[str, Any], status: int, says: str) -> None:
    answer = ask(url, **given)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "says"),
    [
        (b'{"input": "a"}', "text/plain", 415, "Content-Type text/plain: application/json"),
        (b'{"input": "a"}', None, 415, "Content-Type is not set: application/json"),
        (b"input=a", "application/x-www-form-urlencoded", 415, "application/json"),
        (b'{"input": ', "application/json", 422, "JSON"),
        (b'{"input": "\xe9"}', "application/json", 422, "the body is no JSON"),
        (b"[" * 50_000 + b"]" * 50_000, "application/json", 422, "the body is no JSON"),
        (b'{"input": "a", "dimensions": ' + b"1" * 5000 + b"}", "application/json", 422, "the body is no JSON"),
        (b'{"input": "\\ud800"}', "application/json", 422, "input"),
    ],
)
def test_a_body_that_is_no_request(url: str, body: bytes, kind: str | None, status: int, says: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = requests.post(f"{url}/v1/embeddings", data=body, headers=headers, timeout=10)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["error"]["message"]
