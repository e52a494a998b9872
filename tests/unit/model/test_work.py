from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from bakehouse.model.work import MeasuredWork, Task

EMBED: dict[str, Any] = {
    "name": "embed",
    "unit": "embeddings",
    "http": {"path": "/v1/embeddings", "body": {"input": "{inputs}"}},
    "inputs": {"sentences": 16},
}


def task(**changes: Any) -> Task:
    return Task.model_validate(EMBED | changes)


def wrong(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        task(**changes)
    return str(caught.value)


def test_what_is_left_out() -> None:
    one = task()
    assert (one.http.method, one.batches, one.clients, one.arrivals, one.units, one.count) == (
        "POST", (1,), (1,), (), None, None,
    )  # fmt: skip
    whole = MeasuredWork(tasks=(one,))
    assert (whole.starts, whole.repetitions, whole.limits.latency) == (3, 5, None)


@pytest.mark.parametrize(
    ("http", "inputs"),
    [
        ({"path": "/a", "body": {"x": ["data:{input}"]}}, {"values": ("a",)}),
        ({"path": "/a", "form": {"image": "{file}", "threshold": "0.5"}}, {"files": ("a.jpg",)}),
        ({"path": "/a", "body": "{input}"}, {"values": ({"x": 1}, {"x": 2})}),
        ({"path": "/a"}, {"files": ("a.jpg", "b.jpg")}),
    ],
)
def test_a_request_holds_its_inputs(http: dict[str, Any], inputs: dict[str, Any]) -> None:
    assert task(http=http, inputs=inputs).batches == (1,)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"http": {"path": "/a", "body": {"x": "{inputz}"}}}, "nothing fills in {inputz}"),
        ({"http": {"path": "/a", "body": {"x": 1}}}, "all requests would be the same"),
        ({"http": {"path": "/a", "form": {"x": "{file}"}}}, "inputs name no files"),
        ({"http": {"path": "/a", "form": {"x": "{inputs}"}}, "inputs": {"values": ("a",)}}, "nothing fills in"),
        ({"http": {"path": "/a", "form": {}, "body": {}}}, "a body and a form"),
        ({"http": {"path": "/a", "body": "{input}"}, "batches": (1, 2)}, "batches of more than 1 need {inputs}"),
        ({"http": {"path": "/a"}, "inputs": {"files": ("a.jpg",)}, "batches": (2,)}, "batches of more than 1"),
        ({"inputs": {}}, "one of values, files, sentences"),
        ({"inputs": {"sentences": 1, "values": ("a",)}}, "one of values, files, sentences"),
        ({"units": 2, "count": "length(data)"}, "units and count"),
        ({"count": "length(data"}, "no JMESPath expression"),
        ({"count": 'a.b"\\ud800"c'}, "no JMESPath expression"),
        ({"count": "`id`"}, "no JMESPath expression"),
        ({"clients": (1, 1)}, "clients has a value twice"),
        ({"batches": ()}, "at least 1 item"),
        ({"unit": "images/s"}, "a plural in lower-case letters"),
    ],
)
def test_what_no_request_can_be_made_of_is_refused(changes: dict[str, Any], says: str) -> None:
    assert says in wrong(**changes)


def test_names_are_given_once() -> None:
    with pytest.raises(ValidationError, match="tasks are listed twice: embed"):
        MeasuredWork(tasks=(task(), task()))


def test_the_guides_examples_are_tasks() -> None:
    guide = (Path(__file__).parents[3] / "docs/recipes.md").read_text(encoding="utf-8")
    examples = [
        yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL) if "tasks:\n" in text
    ]
    tasks = [
        Task.model_validate_json(json.dumps(task))
        for example in examples
        for task in example.get("tasks", example.get("probes", {}).get("work", {}).get("tasks"))
    ]
    assert {task.unit for task in tasks} >= {"embeddings", "detections", "audio seconds", "images"}


BEHIND: dict[str, Any] = {
    "command": ("/bin/backend",),
    "port": 8000,
    "env": {"BACKENDS": "{address}"},
    "ready": "/ready",
}


def test_what_is_behind_a_server_must_be_told_to_it() -> None:
    assert MeasuredWork.model_validate({"tasks": (EMBED,), "behind": BEHIND}).behind is not None
    with pytest.raises(ValidationError, match="would not know what is behind it"):
        MeasuredWork.model_validate({"tasks": (EMBED,), "behind": BEHIND | {"env": {"BACKENDS": "http://a:1"}}})
