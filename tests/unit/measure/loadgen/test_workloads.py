from __future__ import annotations

import random

import pytest

from bakehouse.measure import prompt_text
from bakehouse.measure.loadgen import workloads
from bakehouse.model.recipe import Chat, LongContext
from bakehouse.model.suite import Workload

ASKED = Workload(
    model_path="/m.gguf", model_sha256="0" * 64, prompt_tokens=512, output_tokens=128, starts=3, repetitions=5
)


def test_the_two_workloads_are_a_prompt_and_an_answer() -> None:
    pp, tg = workloads.prompt_rate(ASKED), workloads.decode_rate(ASKED)
    assert (pp.name, pp.prompt_tokens, pp.output_tokens) == ("pp512", 512, 1)
    assert (tg.name, tg.prompt_tokens, tg.output_tokens) == ("tg128", 1, 128)


def test_prompts_are_fresh_each_time_and_the_same_for_the_same_seed() -> None:
    workload = workloads.prompt_rate(ASKED)
    ids = random.Random(1)
    first, second = (workload.request(random_ids=ids, vocabulary=1000) for _ in range(2))
    assert first.prompt[:4] != second.prompt[:4]
    assert len(first.prompt) == 512
    assert all(isinstance(token, int) and token < 1000 for token in first.prompt)
    assert workload.request(random_ids=random.Random(1), vocabulary=1000) == first


def test_the_context_holds_the_longest_request() -> None:
    assert workloads.context_size(ASKED) == 768
    assert workloads.context_size(ASKED, room=5000) == 5120


@pytest.mark.parametrize("words", [1, 16, 32, 48, 100, 600])
def test_a_model_whose_tokens_are_bytes_has_room_for_our_texts(words: int) -> None:
    longest = max(len(prompt_text.question(random.Random(seed), words=words).encode()) for seed in range(100))
    asked = LongContext(kind="long-context", prompt_words=words, output_tokens=2)
    assert longest + 64 <= workloads.context(asked, tokens_per_word=workloads.BYTES_PER_WORD)


def test_a_load_has_a_context_for_each_slot() -> None:
    asked = Chat(kind="chat", users=3, prompt_words=100, output_tokens=100, spread=0.5)
    assert workloads.context_size(ASKED, load=asked) == 3 * 512
    assert workloads.context_size(ASKED, load=asked, tokens_per_word=7) == 3 * 1536
