"""Writing token by token, with a decoder that was told what to like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from florence.writer import Writer
from service.sessions import Session

BEGIN, END = 0, 2
LAYER = "past_key_values.0"


class Decoder:
    """Likes `liked[row][step]` best, then the next number. Its caches count the steps."""

    def __init__(self, liked: Sequence[Sequence[int]]) -> None:
        self.liked = liked
        self.fed: list[dict[str, Any]] = []
        self.file = Path("decoder_model_merged.onnx")
        cache = SimpleNamespace(shape=["batch", 3, "length", 4])
        names = [f"{LAYER}.decoder.key", f"{LAYER}.encoder.key", "use_cache_branch"]
        self.inputs = dict.fromkeys(names, cache)

    def typed(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        return dict(feeds)

    def keep(self, value: Any) -> Any:
        return value

    def run_kept(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        step = len(self.fed)
        self.fed.append(dict(feeds))
        logits = np.zeros((len(self.liked), 1, 30), dtype=np.float32)
        for row, wishes in enumerate(self.liked):
            token = wishes[min(step, len(wishes)) - 1] if step else END
            logits[row, 0, [token, (token + 1) % 30]] = 2, 1
        kept = {"logits": logits, "present.0.decoder.key": f"own {step}", "present.0.encoder.key": f"read {step}"}
        return {name: SimpleNamespace(numpy=lambda value=value: value) for name, value in kept.items()}


class Words:
    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        return {"inputs_embeds": feeds["input_ids"]}


def write(decoder: Decoder, *, most: int = 20, **more: Any) -> list[tuple[list[int], bool]]:
    writer = Writer(cast("Session", decoder), cast("Session", Words()), begin=BEGIN, end=END)
    rows = len(decoder.liked)
    found = writer.write(np.zeros((rows, 7, 4)), np.ones((rows, 7), dtype=np.int64), most=most, **more)
    return [(row.written, row.ended) for row in found]


def test_begins_with_the_begin_mark_and_stops_at_the_end_mark() -> None:
    assert write(Decoder([[5, 6, END]])) == [([BEGIN, 5, 6, END], True)]


def test_each_row_ends_by_itself_and_the_longest_ends_the_batch() -> None:
    decoder = Decoder([[5, END], [5, 6, 7, END]])

    assert write(decoder) == [([BEGIN, 5, END], True), ([BEGIN, 5, 6, 7, END], True)]
    assert len(decoder.fed) == 5


def test_what_is_too_long_is_cut_off_and_said_to_be() -> None:
    assert write(Decoder([[5, 6, 7, 8]]), most=3) == [([BEGIN, 5, 6], False)]


def test_it_stops_where_nobody_waits_any_more() -> None:
    decoder = Decoder([[5, 6, 7, 8]])
    assert write(decoder, is_wanted=lambda: len(decoder.fed) < 3) == [([BEGIN, 5, 6], False)]


def test_no_three_tokens_come_twice() -> None:
    ((tokens, _),) = write(Decoder([[5, 6, 7] * 9]), most=12)

    threes = list(zip(tokens, tokens[1:], tokens[2:], strict=False))
    assert len(threes) == len(set(threes))
    assert tokens[:7] == [BEGIN, 5, 6, 7, 5, 6, 8]


def test_caches_grow_and_that_of_what_was_read_stays_the_first_ones() -> None:
    decoder = Decoder([[5, 6, END]])
    write(decoder)

    first, *others = decoder.fed
    assert first[f"{LAYER}.decoder.key"].shape == (1, 3, 0, 4)
    assert [bool(one["use_cache_branch"][0]) for one in decoder.fed] == [False, True, True, True]
    assert [one[f"{LAYER}.decoder.key"].numpy() for one in others] == ["own 0", "own 1", "own 2"]
    assert [one[f"{LAYER}.encoder.key"].numpy() for one in others] == ["read 0"] * 3


def test_a_decoder_without_a_cache_is_refused() -> None:
    decoder = Decoder([[5]])
    decoder.inputs.pop("use_cache_branch")

    with pytest.raises(ValueError, match="not a merged export"):
        write(decoder)
