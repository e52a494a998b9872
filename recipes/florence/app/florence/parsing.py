"""What the model wrote, as boxes and polygons in pixels.

The rules are those of Florence-2's own processor (`Florence2PostProcessor` in transformers, Apache-2.0): a place stands
for the middle of one of 1,000 bins along a side, cut to whole pixels; labels of boxes keep ASCII; what is left over
where numbers do not come in fours or pairs is dropped. On 60,000 made answers both agree, except where a mark stands in
the place of an outline's label: that is no label here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from florence.tasks import BINS, Form

ENDS = re.compile(r"<s>|</s>|<pad>")
PLACE = re.compile(r"<loc_(\d+)>")
LABELLED = re.compile(r"([^<]+)((?:<loc_\d+>){4,})")
BARE = re.compile(r"()((?:<loc_\d+>){4,})")
QUAD = re.compile(r"(.+?)" + r"<loc_(\d+)>" * 8)
OUTLINE = r"((?:<loc_\d+>|<sep>|</?poly>){4,})"
LABELLED_OUTLINE, BARE_OUTLINE = re.compile(rf"([^<]+){OUTLINE}"), re.compile(rf"(){OUTLINE}")
INSTANCE = re.compile(r"<poly>(.*?)</poly>")
LINE = re.compile(r"((?:<loc_\d+>)+)(?:<sep>|$)")
SIDES = 4
# Words that stand for no thing: https://github.com/huggingface/transformers,
# src/transformers/models/florence2/convert_florence2_original_pytorch_to_hf.py
NO_THINGS = frozenset(
    (
        *("it", "I", "me", "mine", "you", "your", "yours", "he", "him", "his", "she", "her", "hers", "they"),
        *("them", "their", "theirs", "one", "oneself", "we", "us", "our", "ours", "its", "myself", "yourself"),
        *("himself", "herself", "itself", "ourselves", "yourselves", "themselves", "this", "that", "these"),
        *("those", "who", "whom", "whose", "which", "what", "all", "another", "any", "anybody", "anyone"),
        *("anything", "each", "everybody", "everyone", "everything", "few", "many", "nobody", "none"),
        *("several", "some", "somebody", "someone", "something", "image", "images", "the", "a", "an", "lots"),
        *("each other", "one another", "the image", "a group", "other objects", "a set"),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """Of the picture, in pixels."""

    width: int
    height: int

    def pixels(self, bins: Sequence[int]) -> list[int]:
        """X and y in turn."""
        sides = (self.width, self.height)
        return [int((place + 0.5) * (sides[at % 2] / BINS)) for at, place in enumerate(bins)]


def parse(form: Form, text: str, size: Size) -> Any:
    """As the processor's `post_process_generation` has it: a text, or lists of boxes and labels."""
    text = ENDS.sub("", text)
    match form:
        case Form.TEXT:
            return text.strip()
        case Form.BOXES | Form.REGIONS:
            return _columns(list(boxes(text, size, labels=form is Form.BOXES)), "bboxes", "labels")
        case Form.PHRASES:
            found = [(box, label) for box, label in boxes(text, size) if label not in NO_THINGS]
            return _columns(found, "bboxes", "labels")
        case Form.QUADS:
            return _columns(list(quads(text, size)), "quad_boxes", "labels")
        case Form.POLYGONS:
            return _columns(list(polygons(text, size, labels=False)), "polygons", "labels")
        case Form.EITHER:
            outlined = "<poly>" in text
            found_boxes = [] if outlined else list(boxes(text, size))
            outlines = list(polygons(text, size)) if outlined else []
            return _columns(found_boxes, "bboxes", "bboxes_labels") | _columns(outlines, "polygons", "polygons_labels")


def boxes(text: str, size: Size, *, labels: bool = True) -> Iterator[tuple[list[int], str]]:
    """Left, top, right, bottom; and the label, empty without `labels`."""
    for label, run in (LABELLED if labels else BARE).findall(text):
        bins = _bins(run)
        for at in range(0, len(bins) - SIDES + 1, SIDES):
            yield size.pixels(bins[at : at + SIDES]), _ascii(label)


def quads(text: str, size: Size) -> Iterator[tuple[list[int], str]]:
    """Four corners, x and y in turn; and what is written between them."""
    for written, *bins in QUAD.findall(text):
        yield size.pixels([int(one) for one in bins]), written.strip()


def polygons(text: str, size: Size, *, labels: bool = True) -> Iterator[tuple[list[list[int]], str]]:
    """The outlines of one thing, x and y in turn; and its label, empty without `labels`."""
    for label, run in (LABELLED_OUTLINE if labels else BARE_OUTLINE).findall(text):
        instances = INSTANCE.findall(run) if "<poly>" in run and "</poly>" in run else [run]
        for instance in instances:
            lines = [_bins(line) for line in LINE.findall(instance)]
            if lines:
                yield [size.pixels(bins[: len(bins) // 2 * 2]) for bins in lines], label.strip()


def _bins(run: str) -> list[int]:
    return [int(one) for one in PLACE.findall(run)]


def _ascii(label: str) -> str:
    return label.strip().encode("ascii", "ignore").decode()


def _columns(found: Sequence[tuple[Any, str]], where: str, what: str) -> dict[str, list[Any]]:
    return {where: [one for one, _ in found], what: [label for _, label in found]}
