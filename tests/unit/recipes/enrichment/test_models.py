"""What the outputs of each model mean, on outputs that are made here."""

from __future__ import annotations

import numpy as np
import pytest
from enrichment.models import face, faces, pose, segmentation
from enrichment.models.base import unit
from PIL import Image
from service.pictures import Picture

PICTURE = Picture(image=Image.new("RGB", (200, 100), (255, 0, 0)), width=200, height=100)


def blaze(best: int, *values: float) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """Outputs with one face at an anchor; raw score 3."""
    scores = np.full((896, 1), -9, np.float32)
    offsets = np.zeros((896, 16), np.float32)
    scores[best] = 3
    offsets[best, : len(values)] = values
    return {"a": scores[None, 512:], "b": offsets[None, :512], "c": offsets[None, 512:], "d": scores[None, :512]}


class TestFace:
    def test_an_anchor_of_the_fine_grid(self) -> None:
        """Point (3, 2) of 16 x 16, the second anchor: its middle is at 3.5 / 16 and 2.5 / 16."""
        found = face.read(blaze((2 * 16 + 3) * 2 + 1, 0, 0, 64, 32), PICTURE)

        assert found["confidence"] == pytest.approx(0.9526, abs=1e-4)
        assert found["bbox"] == {"x": 18.8, "y": 9.4, "width": 50.0, "height": 12.5}
        assert found["keypoints"]["nose"] == [43.8, 15.6]

    def test_an_anchor_of_the_coarse_grid(self) -> None:
        found = face.read(blaze(512 + (7 * 8 + 7) * 6 + 5, 0, 0, 25.6, 25.6), PICTURE)
        assert (found["bbox"]["x"], found["bbox"]["y"]) == (177.5, 88.8)

    def test_none(self) -> None:
        outputs = blaze(0) | {"d": np.full((1, 512, 1), -2, np.float32)}
        assert face.read(outputs, PICTURE) == {"found": False, "confidence": 0.1192}
        assert face.box_of({"found": False}, PICTURE) is None

    def test_a_box_with_room_around_stays_inside(self) -> None:
        box = face.box_of({"found": True, "bbox": {"x": 150, "y": 10, "width": 50, "height": 50}}, PICTURE)
        assert box == (140, 0, 200, 70)


class TestPose:
    def points(self, **places: tuple[float, float]) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        rows = np.zeros((1, 1, 17, 3), np.float32)
        for name, (x, y) in places.items():
            rows[0, 0, pose.NAMES.index(name)] = [y, x, 0.9]
        return {"Identity": rows}

    def test_points_are_in_pixels(self) -> None:
        found = pose.read(self.points(nose=(0.25, 0.5)), PICTURE)
        assert found["keypoints"]["nose"] == {"x": 50.0, "y": 50.0, "confidence": 0.9}
        assert (found["visible"], found["posture"]) == (1, "unknown")

    @pytest.mark.parametrize(
        ("hips", "knees", "posture"),
        [((0.4, 0.6), (0.4, 0.9), "standing"), ((0.4, 0.6), (0.4, 0.65), "crouching"), ((0.9, 0.3), None, "lying")],
    )
    def test_postures(self, hips: tuple[float, float], knees: tuple[float, float] | None, posture: str) -> None:
        places = {"left_shoulder": (0.4, 0.2), "right_shoulder": (0.4, 0.2), "left_hip": hips, "right_hip": hips}
        if knees:
            places |= {"left_knee": knees, "right_knee": knees}
        assert pose.read(self.points(**places), PICTURE)["posture"] == posture


def test_demographics() -> None:
    ages = np.zeros((1, 100), np.float32)
    ages[0, 41] = 0.6
    outputs = {
        "age_pred/Softmax": ages,
        "gender_pred/Sigmoid": np.array([[0.2]], np.float32),
        "global_pooling/Mean": np.ones((1, 1024), np.float32),
    }
    found = faces.demographics(outputs, PICTURE)
    assert {name: found[name] for name in ("age", "age_confidence", "gender", "gender_confidence")} == {
        "age": 41,
        "age_confidence": 0.6,
        "gender": "female",
        "gender_confidence": 0.8,
    }
    assert np.linalg.norm(found["descriptor"]) == pytest.approx(1, abs=1e-3)


def test_what_each_is_given() -> None:
    assert faces.demographics_input(PICTURE)[0, 0].tolist() == [255, 0, 0]
    assert faces.identity_input(PICTURE)[0, 0].tolist() == [1, -1, -1]
    assert faces.emotion_input(PICTURE)[0, 0].tolist() == pytest.approx([0.299 - 0.587 - 0.114])
    assert faces.liveness_input(PICTURE)[0, 0].tolist() == pytest.approx([1, 0, 0])
    assert pose.prepare(PICTURE).dtype == np.int32


def test_segmentation_is_a_share_and_a_box() -> None:
    mask = np.zeros((1, 4, 4, 1), np.float32)
    mask[0, 1:3, 2:] = 1
    assert segmentation.read({"y": mask}, PICTURE) == {
        "person_share": 0.25,
        "bbox": {"x": 100.0, "y": 25.0, "width": 100.0, "height": 50.0},
    }
    assert segmentation.read({"y": mask * 0}, PICTURE) == {"person_share": 0.0, "bbox": None}


def test_a_vector_of_nothing_has_no_direction() -> None:
    assert unit(np.zeros(2, np.float32)) == [0, 0]
    assert unit(np.array([3, 4], np.float32)) == [0.6, 0.8]
