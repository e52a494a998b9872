"""The service over the small model that the recipe is probed with."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from florence.app import application
from florence.preparing import DEVIATION, MEAN, pixels
from florence.settings import FlorenceSettings
from PIL import Image
from service.pictures import Picture
from tests.unit.recipes.running import loaded, running

MODELS = Path(__file__).parents[4] / "recipes/florence/tests/models"


def settings(**more: Any) -> FlorenceSettings:
    return FlorenceSettings(**{"model": MODELS / "vision_encoder.onnx", "threads": 1, "decoders": 1, **more})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(application(settings(max_tokens=20))) as address:
        assert loaded(address).ok
        yield address


def picture(width: int = 300, height: int = 200) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "orange").save(out, "PNG")
    return out.getvalue()


def ask(url: str, path: str, **form: str) -> Any:
    answer = requests.post(f"{url}{path}", files={"image": picture()}, data=form, timeout=60)
    answer.raise_for_status()
    return answer.json()


def test_boxes_are_in_pixels_of_the_picture(url: str) -> None:
    found = ask(url, "/detect")

    assert [one["class"] for one in found["detections"]] == ["person", "flag", "rocket"]
    assert found["detections"][0]["bbox"] == {"x": 12, "y": 5, "width": 200, "height": 194}
    assert found["complete"]


def test_an_answer_that_is_too_long_is_cut_off_and_says_so(url: str) -> None:
    found = ask(url, "/caption", detail="paragraph")

    assert found["caption"].startswith("The image shows a person")
    assert (found["complete"], found["tokens"]) == (False, 20)


def test_the_model_is_told_the_part_in_places_of_its_own(url: str) -> None:
    found = ask(url, "/extract", prompt="<REGION_TO_DESCRIPTION>", bbox="30,40,120,140")

    assert found["result"] == "an orange suit"


def test_pictures_are_stretched_and_scaled_as_the_model_was_trained() -> None:
    image = Image.new("RGB", (64, 32), (255, 0, 128))
    values = pixels(Picture(image=image, width=64, height=32), 16)

    assert values.shape == (3, 16, 16)
    assert np.allclose(values[:, 3, 5], (np.array([1, 0, 128 / 255]) - MEAN) / DEVIATION, atol=1e-6)


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        ("decoder_model_merged.onnx", "MODEL: there is no file .*decoder_model_merged.onnx"),
        ("tokenizer.json", "TOKENIZER: there is no file .*tokenizer.json"),
    ],
)
def test_a_part_that_is_not_there_is_named(tmp_path: Path, lacking: str, message: str) -> None:
    for file in MODELS.iterdir():
        if file.name != lacking:
            shutil.copy(file, tmp_path)
    with running(application(settings(model=tmp_path / "vision_encoder.onnx"))) as url:
        answer = loaded(url)

    assert answer.status_code == 503
    assert answer.json()["error"]["message"].startswith(message.partition(" .*")[0])
    assert lacking in answer.json()["error"]["message"]


def test_another_file_than_the_part_that_sees_is_refused() -> None:
    with running(application(settings(model=MODELS / "embed_tokens.onnx"))) as url:
        assert "expected the file of the vision_encoder" in loaded(url).text


def test_parts_of_one_precision_and_a_tokenizer_above_them_as_exports_have_it(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "tokenizer.json").touch()
    found = settings(model=tmp_path / "onnx" / "vision_encoder_fp16.onnx")

    assert found.part("decoder_model_merged") == tmp_path / "onnx" / "decoder_model_merged_fp16.onnx"
    assert found.tokenizer_file == tmp_path / "tokenizer.json"
