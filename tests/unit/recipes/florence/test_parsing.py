"""Answers of the model, parsed: as transformers 5.24's own `Florence2Processor.post_process_generation` parsed them.

The texts of answers.json are in the form that Florence-2 writes; several are those of transformers' documentation and
tests. What it made of them was written down, beside each.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from florence.parsing import Size, parse
from florence.tasks import TASKS, Form
from hypothesis import given
from hypothesis import strategies as st

ANSWERS = json.loads((Path(__file__).parent / "answers.json").read_text(encoding="utf-8"))
PIECE = st.one_of(
    st.integers(0, 999).map(lambda place: f"<loc_{place}>"),
    st.sampled_from(["<sep>", "<poly>", "</poly>", "<s>", "a car"]),
)


@pytest.mark.parametrize("recorded", ANSWERS, ids=lambda one: one["task"])
def test_as_the_models_own_processor(recorded: dict[str, Any]) -> None:
    width, height = recorded["size"]

    found = parse(TASKS[recorded["task"]].form, recorded["text"], Size(width=width, height=height))

    assert found == recorded["answer"]


def test_padding_is_no_text() -> None:
    assert parse(Form.TEXT, "</s><s>a car</s><pad><pad>", Size(width=1, height=1)) == "a car"


@given(pieces=st.lists(PIECE, max_size=40), form=st.sampled_from(Form), side=st.integers(1, 5000))
def test_whatever_it_writes_every_box_is_inside(pieces: list[str], form: Form, side: int) -> None:
    found = parse(form, "".join(pieces), Size(width=side, height=side))

    numbers = [number for number in _numbers(found) if not isinstance(number, str)]
    assert all(0 <= number < side or number == 0 for number in numbers)


def _numbers(found: Any) -> list[Any]:
    """All that lists hold, however deep."""
    if isinstance(found, dict):
        found = list(found.values())
    return [number for one in found for number in _numbers(one)] if isinstance(found, list) else [found]
