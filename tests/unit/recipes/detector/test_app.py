"""The whole service over a real model in onnxruntime: it tells where a picture's brightest column and row begin."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from detector.app import application
from detector.settings import DetectorSettings
from PIL import Image

from bakehouse.model_files.tfjs.onnx_file import Graph, OnnxNode, Port, encode
from tests.unit.recipes.running import loaded, running

SIZE = 8
FLOAT = np.dtype(np.float32)


def model(folder: Path) -> Path:
    """Rows of box, score and class, as YOLO26 has them: one row whose score is the mean of red, class 1."""
    graph = Graph(name="toy")
    graph.inputs.append(Port(name="images", dtype=FLOAT, shape=("batch", 3, SIZE, SIZE)))
    graph.constants |= {
        "zero": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "sides": np.array([2, 3], np.int64),
        "before": np.array([[[2, 2, 6, 6]]], np.float32),
        "after": np.array([[[1]]], np.float32),
        "axis": np.array([1], np.int64),
    }
    graph.nodes += [
        OnnxNode(kind="Slice", inputs=("images", "zero", "one", "axis"), outputs=("red",)),
        OnnxNode(kind="ReduceMean", inputs=("red", "sides"), outputs=("mean",), attributes={"keepdims": 0}),
        OnnxNode(kind="Unsqueeze", inputs=("mean", "axis"), outputs=("score",)),
        OnnxNode(kind="Mul", inputs=("score", "nothing"), outputs=("blank",)),
        OnnxNode(kind="Add", inputs=("blank", "before"), outputs=("boxes",)),
        OnnxNode(kind="Add", inputs=("blank", "after"), outputs=("classes",)),
        OnnxNode(kind="Concat", inputs=("boxes", "score", "classes"), outputs=("output0",), attributes={"axis": 2}),
    ]
    graph.constants["nothing"] = np.array(0, np.float32)
    graph.outputs.append(Port(name="output0", dtype=FLOAT, shape=("batch", 1, 6)))
    file = folder / "toy.onnx"
    file.write_bytes(encode(graph, producer="test"))
    return file


def settings(folder: Path, **more: Any) -> DetectorSettings:
    return DetectorSettings(**{"model": model(folder), "threads": 1, "decoders": 1, **more})


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(application(settings(tmp_path_factory.mktemp("models")))) as address:
        assert loaded(address).ok
        yield address


def picture(red: int, width: int = 80, height: int = 80) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (red, 0, 0)).save(out, "PNG")
    return out.getvalue()


def test_boxes_are_in_pixels_of_the_picture(url: str) -> None:
    answer = requests.post(f"{url}/detect", files={"image": picture(255, 160, 80)}, timeout=10).json()

    assert answer.pop("inference_time_ms") > 0
    assert answer == {
        "image_width": 160,
        "image_height": 80,
        "detections": [
            {"class": "bicycle", "confidence": 0.7235, "bbox": {"x": 40.0, "y": 0.0, "width": 80.0, "height": 80.0}}
        ],
    }


def test_several_pictures_keep_their_order(url: str) -> None:
    files = [(str(red), picture(red)) for red in (255, 10, 128)]
    answer = requests.post(f"{url}/detect/batch?confidence=0", files=files, timeout=10).json()

    assert answer["num_images"] == 3
    assert [one["detections"][0]["confidence"] for one in answer["results"]] == [1.0, 0.0392, 0.502]


def test_a_threshold_and_classes_of_the_request(url: str) -> None:
    def count(**options: object) -> int:
        body = {"image_base64": base64.b64encode(picture(128)).decode(), **options}
        return len(requests.post(f"{url}/detect", json=body, timeout=10).json()["detections"])

    assert count() == 1
    assert count(confidence=0.6) == 0
    assert count(classes="bicycle, dog") == 1
    assert count(classes="dog") == 0


@pytest.mark.parametrize(
    ("query", "files", "message"),
    [
        ("classes=unicorn", 1, "classes: the model has no unicorn"),
        ("confidence=2", 1, "confidence"),
        ("", 2, "2 pictures; /detect takes one"),
    ],
)
def test_what_is_refused(url: str, query: str, files: int, message: str) -> None:
    answer = requests.post(f"{url}/detect?{query}", files=[("a", picture(1))] * files, timeout=10)
    assert answer.status_code == 422
    assert message in answer.json()["error"]["message"]


def test_info_says_what_computes(url: str) -> None:
    found = requests.get(f"{url}/info", timeout=10).json()
    assert (found["family"], found["input"], found["max_batch"]) == ("yolo", [8, 8], 8)
    assert found["providers"] == ["CPUExecutionProvider"]
    assert len(found["model_sha256"]) == 64


def engine(folder: Path) -> Path:
    file = folder / "yolo26m_fp16.engine"
    file.write_bytes(b"ftrt")
    return file


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"model": Path("/models/absent.onnx")}, "MODEL: there is no file /models/absent.onnx"),
        ({"device": "cuda"}, "DEVICE=cuda: onnxruntime has only"),
        ({"device": "tpu"}, "DEVICE='tpu': there is cpu, cuda"),
        ({"classes": "unicorn"}, "CLASSES: the model has no unicorn"),
        ({"labels": Path("/models/absent.txt")}, "LABELS: there is no file"),
    ],
)
def test_what_keeps_it_from_being_ready(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    with running(application(settings(tmp_path, **more))) as address:
        answer = loaded(address)
    assert answer.status_code == 503
    assert answer.json()["error"]["message"].startswith(message)


def test_an_engine_of_tensorrt_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    with running(application(settings(tmp_path, model=engine(tmp_path)))) as address:
        said = loaded(address).json()["error"]["message"]
    assert "runs with the version and the arch that it was built for" in said


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    file = tmp_path / "x.onnx"
    file.write_bytes(b"<html>")
    with running(application(settings(tmp_path, model=file))) as address:
        assert loaded(address).json()["error"]["message"].startswith("MODEL: x.onnx cannot be loaded: ")


def test_classes_of_another_model(tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("weed\ncrop\n")
    with running(application(settings(tmp_path, labels=labels, family="yolo"))) as address:
        loaded(address)
        assert requests.get(f"{address}/classes", timeout=10).json() == {"classes": ["weed", "crop"]}
