"""Prompts: which task is asked, and what it may be given."""

from __future__ import annotations

import pytest
from florence.tasks import TASKS, check, places, read
from service.refused import Refused


def test_a_token_stands_for_its_sentence() -> None:
    """The three of transformers' own test."""
    assert TASKS["OCR"].asked("", "") == "What is the text in the image?"
    assert TASKS["CAPTION"].asked("", "") == "What does the image describe?"
    name, text = read("<CAPTION_TO_PHRASE_GROUNDING> a red car")
    assert TASKS[name].asked(text, "") == "Locate the phrases in the caption: a red car"


def test_a_part_of_the_picture_becomes_places() -> None:
    region = places((64, 0, 640, 480), 640, 480)

    assert region == "<loc_100><loc_0><loc_999><loc_999>"
    assert TASKS["REGION_TO_CATEGORY"].asked("", region) == f"What is the region {region}?"


@pytest.mark.parametrize("prompt", ["", "a car", "OD", "<OD", "<VQA>why?", "<od>"])
def test_what_is_no_task_is_refused_with_those_that_are(prompt: str) -> None:
    with pytest.raises(Refused, match="<CAPTION>, <DETAILED_CAPTION>"):
        read(prompt)


@pytest.mark.parametrize(
    ("name", "text", "region", "message"),
    [
        ("OD", "a car", False, "takes no text"),
        ("OPEN_VOCABULARY_DETECTION", "", False, "needs a text"),
        ("OPEN_VOCABULARY_DETECTION", "a car", True, "takes no bbox"),
        ("REGION_TO_OCR", "", False, "needs a bbox"),
        ("OPEN_VOCABULARY_DETECTION", "a car</s>", False, "< or >"),
        ("OPEN_VOCABULARY_DETECTION", "x" * 11, False, "MAX_CHARACTERS is 10"),
    ],
)
def test_a_task_is_given_what_it_takes(name: str, text: str, region: bool, message: str) -> None:
    with pytest.raises(Refused, match=message):
        check(name, text, region=region, longest=10)


@pytest.mark.parametrize("box", [(-1, 0, 5, 5), (5, 0, 5, 5), (0, 0, 11, 5), (0, 0, float("nan"), 5)])
def test_a_box_outside_the_picture_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(Refused, match="not inside the picture of 10 x 10"):
        places(box, 10, 10)
