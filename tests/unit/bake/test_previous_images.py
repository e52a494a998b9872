from __future__ import annotations

from collections.abc import Sequence

import pytest

from bakehouse.bake.previous_images import kept
from bakehouse.engine.docker import NoSuchObjectError
from bakehouse.errors import EngineError


class Store:
    """Names and IDs, as an engine has them."""

    def __init__(self, **names: str) -> None:
        self.names = dict(names)

    def tag(self, reference: str, name: str) -> None:
        if reference not in self.names:
            raise NoSuchObjectError(f"No such image: {reference}")
        self.names[name] = self.names[reference]

    def untag(self, names: Sequence[str]) -> None:
        for name in names:
            del self.names[name]

    def ids(self, references: Sequence[str]) -> list[str]:
        return [self.names[reference] for reference in references]


def test_what_is_replaced_stays_and_what_is_not_leaves_no_trace() -> None:
    store = Store(a="1", b="2")
    with kept(["a", "b", "c"], store):
        store.names |= {"a": "3", "c": "4"}
    assert store.names == {"a": "3", "a.previous": "1", "b": "2", "c": "4"}


def test_a_build_that_changes_nothing_leaves_the_one_before_alone() -> None:
    store = Store(a="3", **{"a.previous": "1"})
    with kept(["a"], store):
        pass
    assert store.names == {"a": "3", "a.previous": "1"}


def test_a_build_that_is_interrupted_leaves_no_second_name() -> None:
    store = Store(a="1")
    with pytest.raises(KeyboardInterrupt), kept(["a"], store):
        raise KeyboardInterrupt
    assert store.names == {"a": "1"}


def test_two_builds_of_the_same_at_a_time_do_not_take_each_others_names() -> None:
    store = Store(a="1")
    with kept(["a"], store), kept(["a"], store):
        store.names["a"] = "2"
    assert store.names == {"a": "2", "a.previous": "1"}


def test_an_engine_that_dies_in_the_build_is_told_by_the_build_alone() -> None:
    class Dying(Store):
        def ids(self, references: Sequence[str]) -> list[str]:
            raise EngineError(f"the engine is gone: {references}")

        def untag(self, names: Sequence[str]) -> None:
            raise EngineError(f"the engine is gone: {names}")

    built = []
    with kept(["a"], Dying(a="1")):
        built.append("a")
    assert built == ["a"]
