"""What Florence-2 was taught to be asked, and what form the answer has.

https://huggingface.co/microsoft/Florence-2-base/blob/main/processing_florence2.py (MIT): a task's token stands for a
sentence, which is the prompt; three kinds of task take a text or a part of the picture into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from service.refused import Refused

BINS = 1000
"""Places along a side of the picture."""
Box = tuple[float, float, float, float]


class Form(StrEnum):
    """Of an answer."""

    TEXT = "text"
    BOXES = "boxes"
    QUADS = "quads"
    PHRASES = "phrases"
    REGIONS = "regions"
    POLYGONS = "polygons"
    EITHER = "boxes or polygons"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    prompt: str
    form: Form = Form.TEXT
    needs: Literal["nothing", "text", "region"] = "nothing"

    def asked(self, text: str, region: str) -> str:
        return self.prompt.replace("{}", text if self.needs == "text" else region)


TASKS = {
    "CAPTION": Task(prompt="What does the image describe?"),
    "DETAILED_CAPTION": Task(prompt="Describe in detail what is shown in the image."),
    "MORE_DETAILED_CAPTION": Task(prompt="Describe with a paragraph what is shown in the image."),
    "OCR": Task(prompt="What is the text in the image?"),
    "OCR_WITH_REGION": Task(prompt="What is the text in the image, with regions?", form=Form.QUADS),
    "OD": Task(prompt="Locate the objects with category name in the image.", form=Form.BOXES),
    "DENSE_REGION_CAPTION": Task(prompt="Locate the objects in the image, with their descriptions.", form=Form.BOXES),
    "REGION_PROPOSAL": Task(prompt="Locate the region proposals in the image.", form=Form.REGIONS),
    "CAPTION_TO_PHRASE_GROUNDING": Task(
        prompt="Locate the phrases in the caption: {}", form=Form.PHRASES, needs="text"
    ),
    "OPEN_VOCABULARY_DETECTION": Task(prompt="Locate {} in the image.", form=Form.EITHER, needs="text"),
    "REFERRING_EXPRESSION_SEGMENTATION": Task(
        prompt="Locate {} in the image with mask", form=Form.POLYGONS, needs="text"
    ),
    "REGION_TO_SEGMENTATION": Task(prompt="What is the polygon mask of region {}", form=Form.POLYGONS, needs="region"),
    "REGION_TO_CATEGORY": Task(prompt="What is the region {}?", needs="region"),
    "REGION_TO_DESCRIPTION": Task(prompt="What does the region {} describe?", needs="region"),
    "REGION_TO_OCR": Task(prompt="What text is in the region {}?", needs="region"),
}


def read(prompt: str) -> tuple[str, str]:
    """`<TASK>text` as its name and the text. Raises Refused."""
    name, closed, text = prompt.strip().removeprefix("<").partition(">")
    if not prompt.lstrip().startswith("<") or not closed or name not in TASKS:
        raise Refused(422, f"prompt: begins with one of {', '.join(f'<{one}>' for one in TASKS)}")
    return name, text.strip()


def check(name: str, text: str, *, region: bool, longest: int) -> Task:
    """Raises Refused where the task lacks something, or is given what it does not take."""
    task = TASKS[name]
    if bool(text) != (task.needs == "text"):
        raise Refused(422, f"<{name}> {'needs a text' if task.needs == 'text' else 'takes no text'}")
    if region != (task.needs == "region"):
        raise Refused(422, f"<{name}> {'needs a bbox' if task.needs == 'region' else 'takes no bbox'}")
    if len(text) > longest:
        raise Refused(413, f"a text of {len(text)} characters; MAX_CHARACTERS is {longest}")
    if "<" in text or ">" in text:
        raise Refused(422, "the text holds < or >, which mark places and ends")
    return task


def places(box: Box, width: int, height: int) -> str:
    """A part of the picture in the model's words. `box`: left, top, right, bottom in pixels. Raises Refused."""
    left, top, right, bottom = box
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise Refused(422, f"the box {list(box)} is not inside the picture of {width} x {height}")
    sides = ((left, width), (top, height), (right, width), (bottom, height))
    return "".join(f"<loc_{min(BINS - 1, int(at * BINS / side))}>" for at, side in sides)
