from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bakehouse.config.suggest import closest, perhaps, suggest

words = st.lists(st.text(max_size=8), max_size=6)


def test_a_similar_word_is_named() -> None:
    assert suggest("pakages", ["packages", "places"]) == "Perhaps you meant 'packages'."
    assert perhaps("pakages", ["packages", "places"]) == "Perhaps you meant 'packages'."


def test_without_one_all_are_listed() -> None:
    assert suggest("xyz", ["places", "packages"]) == "There is: packages, places."
    assert suggest("xyz", []) == "Nothing is allowed here."
    assert perhaps("xyz", ["packages"]) is None


@given(st.text(max_size=8), words)
def test_what_is_suggested_is_known_and_order_means_nothing(word: str, known: list[str]) -> None:
    found = closest(word, known)
    assert found is None or found in known
    assert found == closest(word, known[::-1])
    assert closest(word, [*known, word]) == word
