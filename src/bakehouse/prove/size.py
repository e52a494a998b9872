"""Whether the image keeps to its budget, and what takes the room."""

from __future__ import annotations

from collections.abc import Iterator

from bakehouse.model.report import Check
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge, size_text
from bakehouse.prove.image.at_rest import ImageAtRest

_LAYERS, _FILES = 5, 10
_MOST_TEXT = 120


def check_size(image: ImageAtRest, expectation: Expectation) -> Check:
    """The contents of all layers, also of files that later layers hide, against the budget."""
    size, budget = size_text(image.bytes_unpacked), size_text(expectation.size_budget)
    problems = []
    if image.bytes_unpacked > expectation.size_budget:
        over = size_text(image.bytes_unpacked - expectation.size_budget)
        problems.append(f"{size} unpacked, {over} over the budget of {budget}")
    return judge(
        "size",
        problems,
        passed=f"{size} unpacked of {budget}, {size_text(image.bytes_compressed)} as stored",
        notes=[*_largest_layers(image), *_largest_files(image)],
    )


def _largest_layers(image: ImageAtRest) -> Iterator[str]:
    for layer in sorted(image.layers, key=lambda one: one.bytes_unpacked, reverse=True)[:_LAYERS]:
        text = " ".join(layer.created_by.split())
        text = text if len(text) <= _MOST_TEXT else f"{text[: _MOST_TEXT - 3]}..."
        yield f"layer {size_text(layer.bytes_unpacked)}: {text or '(nothing says what made it)'}"


def _largest_files(image: ImageAtRest) -> Iterator[str]:
    contents = {(entry.layer, entry.offset): entry for entry in image.tree if entry.kind == "file" and entry.size}
    hidden = image.bytes_unpacked - sum(entry.size for entry in contents.values())
    if hidden:
        yield f"{size_text(hidden)} are deleted or replaced by later layers"
    for entry in sorted(contents.values(), key=lambda one: (-one.size, one.path))[:_FILES]:
        yield f"file {size_text(entry.size)}: {entry.path}"
