"""The models of Triton's repository that detect give NanoDet what the detector gives it, and read it the same way."""

from __future__ import annotations

import base64
import importlib.util
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from detection.adapters.base import Choice
from detection.adapters.choose import choose
from PIL import Image
from service.pictures import decode

MODELS = Path("recipes/triton/models")
SIDE = 416


def answer(output_tensors: Sequence[tuple[str, Any]] = (), error: str | None = None) -> SimpleNamespace:
    return SimpleNamespace(tensors=dict(output_tensors), error=error)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A model of the repository, with a stand-in for the module that Triton brings: tensors by name."""
    triton = ModuleType("triton_python_backend_utils")
    triton.__dict__.update(
        get_input_tensor_by_name=lambda request, name: SimpleNamespace(as_numpy=lambda: request[name]),
        Tensor=lambda name, values: (name, values),
        TritonError=lambda message, _: message,
        InferenceResponse=lambda output_tensors=(), error=None: SimpleNamespace(
            tensors=dict(output_tensors), error=error
        ),
    )
    triton.TritonError.INVALID_ARG = "invalid"
    monkeypatch.setitem(sys.modules, triton.__name__, triton)

    def loaded(name: str) -> Any:
        spec = importlib.util.spec_from_file_location(f"triton_{name}", MODELS / name / "1/model.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        model = module.TritonPythonModel()
        model.initialize({})
        return model

    return loaded


def photograph(width: int, height: int) -> bytes:
    values = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, "JPEG")
    return file.getvalue()


def shapes() -> dict[str, tuple[str, int, int]]:
    """Of the network's outputs, as its config.pbtxt says them."""
    text = (MODELS / "nanodet/config.pbtxt").read_text(encoding="utf-8").partition("output [")[2]
    found = re.findall(r'name: "(Identity\w*)", data_type: TYPE_FP32, dims: \[ (\d+), (\d+) \]', text)
    return {name: ("batch", int(points), int(columns)) for name, points, columns in found}


def adapter() -> Any:
    return choose("auto", input_shape=("batch", 3, SIDE, SIDE), outputs=shapes(), classes=80)


@pytest.mark.parametrize("written", [bytes, base64.b64encode], ids=["bytes", "base64"])
def test_a_picture_becomes_what_the_detector_makes_of_it(load: Any, written: Any) -> None:
    contents = [photograph(640, 480), photograph(90, 1200)]
    (found,) = load("picture").execute([{"picture": np.array([[written(one)] for one in contents], dtype=object)}])

    wanted = [adapter().prepare(decode(one, max_pixels=10**7, enough=SIDE)).values for one in contents]
    np.testing.assert_array_equal(found.tensors["input_1"], np.stack(wanted))
    assert found.tensors["size"].tolist() == [[640, 480], [90, 1200]]


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (b"no picture", "JPEG, PNG"), (photograph(64, 64)[:700], "damaged")]
)
def test_what_is_no_picture_is_refused_alone(load: Any, content: bytes, reason: str) -> None:
    requests = [{"picture": np.array([[one]], dtype=object)} for one in (content, photograph(64, 64))]
    refused, served = load("picture").execute(requests)

    assert reason in refused.error
    assert served.error is None


def test_a_picture_of_too_many_pixels_is_refused_by_its_header(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_PIXELS", "1000")
    (found,) = load("picture").execute([{"picture": np.array([[photograph(64, 64)]], dtype=object)}])

    assert found.error == "a picture of 64 x 64 pixels; MAX_PIXELS is 1000"


def test_boxes_are_those_of_the_detector_and_the_rest_is_marked(load: Any) -> None:
    random = np.random.default_rng(1)
    outputs = {name: random.random((2, shape[1], shape[2]), dtype=np.float32) * 0.3 for name, shape in shapes().items()}
    outputs["Identity_1"][0, [5, 300], [0, 56]] = 0.9, 0.6
    (found,) = load("boxes").execute([{**outputs, "size": np.array([[640, 480], [100, 100]])}])

    prepared = adapter().prepare(decode(photograph(640, 480), max_pixels=10**7))
    wanted = prepared.placed(adapter().found(outputs, 0, Choice(confidence=0.35, iou=0.5, most=100)))
    assert wanted.classes.tolist() == [0, 56]
    np.testing.assert_array_equal(found.tensors["boxes"][0, :2], wanted.boxes)
    np.testing.assert_array_equal(found.tensors["scores"][0, :2], wanted.scores)
    assert found.tensors["classes"][0].tolist() == [0, 56, *[-1] * 98]
    assert found.tensors["classes"][1].tolist() == [-1] * 100


def test_the_ensemble_passes_every_tensor_on() -> None:
    text = (MODELS / "detect/config.pbtxt").read_text(encoding="utf-8")

    for name in ("input_1", "size", *shapes()):
        assert len(re.findall(rf'put_map {{ key: "{name}", value: "{name}" }}', text)) == 2, name
