from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest

from bakehouse.measure.loadgen.exchange import Address
from bakehouse.measure.task_requests import Calls, File, filled, fingerprint, inputs_of, request
from bakehouse.model.work import Inputs, Task

ADDRESS = Address(host="127.0.0.1", port=8080)
CAT, DOG = File(name="cat.jpg", content=b"\xff\xd8cat"), File(name="dog.png", content=b"dog")


def task(http: dict[str, Any], inputs: dict[str, Any], **changes: Any) -> Task:
    return Task.model_validate({"name": "see", "unit": "images", "http": http, "inputs": inputs} | changes)


def split(data: bytes) -> tuple[list[str], bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


def test_a_json_body_holds_the_batch() -> None:
    one = task(
        {"path": "/v1/embeddings", "body": {"input": "{inputs}", "n": "{batch}", "k": 1}}, {"values": ("a", "b")}
    )
    head, body = split(request(one, ["a", "b"], ADDRESS))
    assert head[0] == "POST /v1/embeddings HTTP/1.1"
    assert "Content-Type: application/json" in head
    assert "Connection: close" in head
    assert f"Content-Length: {len(body)}" in head
    assert json.loads(body) == {"input": ["a", "b"], "n": 2, "k": 1}


def test_a_file_is_the_whole_body_or_base64_or_a_field_of_a_form() -> None:
    files = {"files": ("cat.jpg",)}
    head, body = split(request(task({"path": "/see"}, files), [CAT], ADDRESS))
    assert (body, "Content-Type: image/jpeg" in head) == (CAT.content, True)
    _, body = split(request(task({"path": "/see", "body": {"image": "{input}"}}, files), [CAT], ADDRESS))
    assert base64.b64decode(json.loads(body)["image"]) == CAT.content
    form = {"path": "/see", "form": {"image": "{file}", "threshold": "0.5"}}
    head, body = split(request(task(form, files, batches=(2,)), [CAT, DOG], ADDRESS))
    assert any(line.startswith("Content-Type: multipart/form-data; boundary=") for line in head)
    assert body.count(b'name="image"; filename=') == 2
    assert b"Content-Type: image/png\r\n\r\ndog" in body
    assert b'name="threshold"\r\n\r\n0.5' in body


def test_an_item_stands_for_each_input_of_a_list() -> None:
    item = {"type": "image", "url": "data:image/jpeg;base64,{input}"}
    found = filled({"images": "{inputs}"}, [CAT, DOG], item)
    assert [one["url"].rpartition(",")[2] for one in found["images"]] == [str(CAT), str(DOG)]


@pytest.mark.parametrize("template", [None, 1, True, "plain", ["a", {"b": 2.5}]])
def test_what_holds_no_placeholder_stays(template: Any) -> None:
    assert filled(template, ["x"]) == template


def test_headers_of_the_recipe_replace_our_own() -> None:
    one = task({"path": "/a", "body": "{input}", "headers": {"Content-Type": "application/x"}}, {"values": ("a",)})
    head, _ = split(request(one, ["a"], ADDRESS))
    assert [line for line in head if line.startswith("Content-Type")] == ["Content-Type: application/x"]


def test_inputs_come_in_turn_and_sentences_never_twice() -> None:
    def read(name: str) -> bytes:
        return name.encode()

    values = inputs_of(Inputs(values=(1, 2)), read=read, chance=random.Random(1))
    assert [next(values) for _ in range(3)] == [1, 2, 1]
    files = inputs_of(Inputs(files=("a/cat.jpg",)), read=read, chance=random.Random(1))
    assert next(files) == File(name="cat.jpg", content=b"a/cat.jpg")
    sentences = inputs_of(Inputs(sentences=4), read=read, chance=random.Random(1))
    assert len({next(sentences) for _ in range(200)}) == 200


def test_requests_about_the_same_inputs_are_made_once() -> None:
    one = task({"path": "/see"}, {"files": ("cat.jpg", "dog.png")})
    inputs = inputs_of(one.inputs, read=lambda name: name.encode(), chance=random.Random(1))
    made = Calls(task=one, address=ADDRESS, inputs=inputs).make(4, batch=1)
    assert made[0].data is made[2].data
    assert made[0].data != made[1].data


def test_the_fingerprint_knows_the_files_contents() -> None:
    def of(content: bytes) -> str:
        return fingerprint(Inputs(files=("a.jpg",)), read=lambda _: content)

    first, again, other = of(b"1"), of(b"1"), of(b"2")
    assert first == again != other
