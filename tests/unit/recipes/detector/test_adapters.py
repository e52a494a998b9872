"""Each family: what it is given, and what its outputs mean, on outputs that are made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from detection.adapters.base import Choice
from detection.adapters.choose import Shape, choose
from detection.adapters.nanodet import DEVIATION, MEAN, NanoDet
from detection.adapters.rtdetr import RtDetr
from detection.adapters.yolo import Yolo
from PIL import Image
from service.pictures import Picture

RECORDED = json.loads((Path(__file__).parent / "yolo26.json").read_text(encoding="utf-8"))
CHOICE = Choice(confidence=0.3, iou=0.5, most=10)
NANODET = {"a": (1, 64, 3), "b": (1, 16, 3), "c": (1, 4, 3), "d": (1, 64, 32), "e": (1, 16, 32), "f": (1, 4, 32)}
"""64 x 64 pixels, 3 classes, 8 bins; strides 8, 16 and 32."""


def picture(width: int, height: int, colour: tuple[int, int, int] = (255, 0, 51)) -> Picture:
    return Picture(image=Image.new("RGB", (width, height), colour), width=width, height=height)


class TestNanoDet:
    adapter = NanoDet(width=64, height=64, outputs=NANODET, classes=3)

    def test_a_box_is_put_together_from_distances(self) -> None:
        """At point (2, 1) of the grid with stride 16, centre (40, 24): 1 stride left, 1 up, 2 right, 0 down."""
        outputs: dict[str, npt.NDArray[np.float32]] = {
            name: np.full(shape, -9, np.float32) if shape[2] == 32 else np.zeros(shape, np.float32)
            for name, shape in NANODET.items()
        }
        outputs["b"][0, 1 * 4 + 2] = [0.1, 0.8, 0.2]
        for side, strides in enumerate((1, 1, 2, 0)):
            outputs["e"][0, 6, side * 8 + strides] = 30

        found = self.adapter.found(outputs, 0, CHOICE)

        assert found.boxes.tolist() == [pytest.approx([24, 8, 72, 24], abs=1e-3)]
        assert (found.classes.tolist(), found.scores.tolist()) == ([1], pytest.approx([0.8]))

    def test_nothing_above_the_threshold_is_nothing(self) -> None:
        outputs = {name: np.zeros(shape, np.float32) for name, shape in NANODET.items()}
        assert len(self.adapter.found(outputs, 0, CHOICE)) == 0

    def test_values_are_blue_green_red_less_the_mean(self) -> None:
        values = self.adapter.prepare(picture(100, 50)).values
        assert values.shape == (3, 64, 64)
        assert values[:, 3, 3] == pytest.approx((np.array([51, 0, 255]) - MEAN) / DEVIATION, abs=1e-5)

    def test_boxes_come_back_in_pixels_of_the_picture(self) -> None:
        prepared = self.adapter.prepare(picture(128, 32))
        outputs = {name: np.zeros(shape, np.float32) for name, shape in NANODET.items()}
        outputs["c"][0, 0] = [0.9, 0, 0]
        outputs["f"][0, 0, [1, 9, 17, 25]] = 60  # one stride of 32 to each side of (16, 16)

        placed = prepared.placed(self.adapter.found(outputs, 0, CHOICE))

        assert placed.boxes[0] == pytest.approx([0, 0, 96, 24], abs=0.01)


class TestRtDetr:
    adapter = RtDetr(width=320, height=320)

    def test_the_best_pairs_of_query_and_class(self) -> None:
        logits = np.full((1, 4, 3), -5, np.float32)
        logits[0, 2, 1], logits[0, 2, 0], logits[0, 3, 2] = 2.0, 0.0, 1.0
        boxes = np.tile(np.array([0.5, 0.5, 0.2, 0.4], np.float32), (1, 4, 1))
        found = self.adapter.found({"logits": logits, "pred_boxes": boxes}, 0, CHOICE)

        assert found.classes.tolist() == [1, 2, 0]
        assert found.scores == pytest.approx([0.8808, 0.7311, 0.5], abs=1e-4)
        assert found.boxes[0] == pytest.approx([128, 96, 192, 224], abs=1e-3)

    def test_values_are_shares_of_255(self) -> None:
        assert self.adapter.prepare(picture(9, 9)).values[:, 0, 0] == pytest.approx([1, 0, 0.2])


class TestYolo:
    adapter = Yolo(width=64, height=64)

    @pytest.mark.parametrize(("width", "height"), [(128, 64), (64, 128), (33, 100), (64, 64), (1000, 3)])
    def test_a_box_comes_back_to_where_it_was(self, width: int, height: int) -> None:
        """The whole picture, as the model would see it between the grey."""
        prepared = self.adapter.prepare(picture(width, height))
        seen = np.argwhere(prepared.values[0] == 1.0)
        (top, left), (bottom, right) = seen.min(0), seen.max(0) + 1
        rows = np.array([[[left, top, right, bottom, 0.9, 2], [0, 0, 9, 9, 0.1, 0]]], np.float32)

        found = prepared.placed(self.adapter.found({"output0": rows}, 0, CHOICE))

        assert found.boxes.tolist() == [pytest.approx([0, 0, width, height], abs=1e-3)]
        assert found.classes.tolist() == [2]

    @pytest.mark.parametrize("recorded", RECORDED, ids=lambda one: one["form"])
    def test_as_the_makers_own_tools_tell_it(self, recorded: dict[str, Any]) -> None:
        """Outputs of a YOLO26n with random weights, and the boxes that ultralytics 8.4.190 made of them."""
        (width, height), side = recorded["picture"], recorded["input"][0]
        adapter = Yolo(width=side, height=side)
        choice = Choice(confidence=recorded["confidence"], iou=recorded["iou"], most=100)
        outputs = {"output0": np.array([recorded["outputs"]], np.float32)}

        found = adapter.prepare(picture(width, height)).placed(adapter.found(outputs, 0, choice))

        expected = np.array(recorded["found"])
        assert found.boxes == pytest.approx(expected[:, :4].clip(0, [width, height] * 2), abs=0.01)
        assert found.scores == pytest.approx(expected[:, 4], abs=1e-4)
        assert found.classes.tolist() == expected[:, 5].tolist()

    def test_the_rest_is_grey(self) -> None:
        assert self.adapter.prepare(picture(128, 64)).values[:, 0, 0] == pytest.approx([114 / 255] * 3)


class TestChoose:
    def test_by_names_and_shapes(self) -> None:
        shape: Shape = ["batch", 3, 64, 64]
        nanodet: dict[str, Shape] = {name: ("batch", *sizes[1:]) for name, sizes in NANODET.items()}
        assert isinstance(choose("auto", input_shape=shape, outputs=nanodet, classes=3), NanoDet)
        queries: dict[str, Shape] = {"logits": ["n", 300, 80], "pred_boxes": ["n", 300, 4]}
        assert isinstance(choose("auto", input_shape=shape, outputs=queries, classes=80), RtDetr)
        assert isinstance(choose("auto", input_shape=shape, outputs={"output0": (1, 300, 6)}, classes=80), Yolo)
        assert isinstance(choose("auto", input_shape=shape, outputs={"output0": (1, 84, 2100)}, classes=80), Yolo)

    def test_another_model_is_said(self) -> None:
        with pytest.raises(ValueError, match="these are not the outputs of NanoDet with 80 classes"):
            choose("auto", input_shape=(1, 3, 64, 64), outputs={"y": (1, 1000, 2)}, classes=80)
        with pytest.raises(ValueError, match=r"MODEL: takes \['n', 3, 'h', 'w'\]"):
            choose("auto", input_shape=["n", 3, "h", "w"], outputs={"output0": (1, 300, 6)}, classes=80)
