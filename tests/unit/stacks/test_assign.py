"""First-fit with a reserve, the largest first; and what would make a refused one fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import InputError
from bakehouse.model.enums import AcceleratorName
from bakehouse.stacks.assign import CardWish, assign
from bakehouse.stacks.plan import Need, Slot, StackMachine

GIB = 2**30


def machine(*sizes: float, reserve: float = 0.5) -> StackMachine:
    slots = tuple(
        Slot(index=index, accelerator=AcceleratorName.CUDA, name=f"c{index}", arch="sm_86", memory=int(size * GIB),
             id=str(index))
        for index, size in enumerate(sizes)
    )  # fmt: skip
    return StackMachine(
        name="box", platform="linux/amd64", memory=None, driver=None, slots=slots, reserve=int(reserve * GIB)
    )


def wish(name: str, size: float, *, on: tuple[int, ...] = (0, 1), **more: object) -> CardWish:
    need = Need(bytes=int(size * GIB), how="declared")
    return CardWish(service=name, needs=dict.fromkeys(on, need), **more)  # type: ignore[arg-type]


def places(found: dict[str, tuple[Slot, ...]]) -> dict[str, list[int]]:
    return {name: [slot.index for slot in slots] for name, slots in found.items()}


def test_the_largest_comes_first_and_others_fill_what_is_left() -> None:
    found = assign([wish("small", 3), wish("llm", 21.7), wish("tiny", 1.2)], machine(24, 4))

    assert places(found) == {"llm": [0], "small": [1], "tiny": [0]}


def test_what_a_person_placed_stays_there() -> None:
    found = assign([wish("a", 3, pinned=(1,)), wish("b", 3)], machine(24, 4))

    assert places(found) == {"a": [1], "b": [0]}


def test_the_reserve_stays_free() -> None:
    assign([wish("a", 3.5, on=(0,))], machine(4))
    with pytest.raises(InputError, match="are missing on card 0"):
        assign([wish("a", 3.6, on=(0,))], machine(4))


def test_a_card_that_is_claimed_whole_is_left_alone() -> None:
    found = assign([wish("a", 1, whole=True), wish("b", 2)], machine(24, 24))

    assert places(found) == {"a": [0], "b": [1]}


def test_several_cards_for_one_service() -> None:
    assert places(assign([wish("a", 20, count=2)], machine(24, 24))) == {"a": [0, 1]}
    with pytest.raises(InputError, match="it wants 2 cards, and its images run on 1"):
        assign([wish("a", 20, count=2, on=(0,))], machine(24, 24))


def test_a_shorter_context_is_the_smallest_change() -> None:
    def takes(tokens: int) -> Need:
        return Need(bytes=4 * GIB + tokens * 2**17, how="computed", cells=tokens)

    needs = dict.fromkeys((0,), takes(131072))
    with pytest.raises(InputError) as raised:
        assign([CardWish(service="llm", needs=needs, context=131072, with_context=takes)], machine(8))

    assert raised.value.hint is not None
    assert raised.value.hint.startswith("It fits with a context of 28,672 tokens instead of 131,072.")
    assert takes(28672).bytes <= 7.5 * GIB < takes(28672 + 256).bytes
    assert "A card with 20.5 GiB would hold it." in raised.value.hint


def test_the_refusal_shows_who_has_what() -> None:
    with pytest.raises(InputError) as raised:
        assign([wish("a", 20, on=(0,)), wish("b", 10, on=(0,))], machine(24))

    assert "card 0 (c0): 24.0 GiB, taken by a, 3.50 GiB left beside a reserve of 512 MiB" in str(raised.value)


@given(
    st.lists(st.integers(1, 24), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(1, 20), st.booleans()), min_size=1, max_size=8),
)
def test_no_card_is_ever_overfull(sizes: list[int], asked: list[tuple[int, bool]]) -> None:
    box = machine(*sizes)
    wishes = [
        wish(f"s{number}", size, on=tuple(range(len(sizes))), whole=whole) for number, (size, whole) in enumerate(asked)
    ]
    try:
        found = assign(wishes, box)
    except InputError:
        return
    for slot in box.slots:
        there = [one for one in wishes if slot in found[one.service]]
        assert sum(one.needs[slot.index].bytes for one in there) + box.reserve <= (slot.memory or 0)
        assert len(there) == 1 or not any(one.whole for one in there)
