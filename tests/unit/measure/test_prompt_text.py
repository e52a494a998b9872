from __future__ import annotations

import random

import pytest

from bakehouse.measure import prompt_text


def test_the_same_seed_gives_the_same_text() -> None:
    first, again, other = (prompt_text.question(random.Random(seed), words=40) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("words", [1, 48, 1500])
def test_a_passage_is_about_as_long_as_asked(words: int) -> None:
    assert words <= len(prompt_text.passage(random.Random(1), words=words).split()) <= words + 30


def test_texts_differ_from_the_first_words_on_and_do_not_repeat() -> None:
    chance = random.Random(1)
    texts = [prompt_text.passage(chance, words=48) for _ in range(200)]
    assert len(set(texts)) == 200
    beginnings = {" ".join(text.split()[:8]) for text in texts}
    assert len(beginnings) > 190  # a prefix cache finds next to nothing
    words = " ".join(texts).lower().split()
    assert max(words.count(word) for word in set(words)) < len(words) * 0.15


def test_sentences_are_sentences() -> None:
    chance = random.Random(3)
    for _ in range(100):
        text = prompt_text.sentence(chance)
        assert text[0].isupper()
        assert text.endswith(".")
        assert "  " not in text
