"""Which service gets which card: first-fit with a reserve, the largest first, and what would make a refused one fit.

What a person placed comes first and stays there. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bakehouse.errors import InputError
from bakehouse.formatting import size
from bakehouse.model.enums import AcceleratorName
from bakehouse.stacks.loaded import HOST, wrong
from bakehouse.stacks.plan import Need, Slot, StackMachine

STEP = 256
"""Tokens: contexts are suggested in multiples of what caches are made of."""
LEAST_CONTEXT = 2048


@dataclass(frozen=True, kw_only=True, slots=True)
class CardWish:
    """A service that computes on cards."""

    service: str
    needs: Mapping[int, Need]
    """Card to what it takes of it: only cards that a cell of it runs on."""
    count: int = 1
    whole: bool = False
    pinned: tuple[int, ...] | None = None
    """Where a person placed it."""
    context: int | None = None
    """Tokens of context that it was computed for."""
    with_context: Callable[[int], Need | None] = field(default=lambda _: None)
    """What it would take with another context."""
    on_processor: bool = False
    """Whether its recipe has a cell for the processor, too."""

    @property
    def largest(self) -> int:
        return max((need.bytes for need in self.needs.values()), default=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Taken:
    bytes: int = 0
    by: tuple[str, ...] = ()
    whole: str | None = None
    """The service that has it alone."""


def assign(wishes: Sequence[CardWish], machine: StackMachine) -> dict[str, tuple[Slot, ...]]:
    """Service to its cards. Raises InputError for the first that fits nowhere, with the smallest change that helps."""
    taken = {slot.index: _Taken() for slot in machine.slots}
    found: dict[str, tuple[Slot, ...]] = {}
    for wish in sorted(wishes, key=_order):
        slots = _pinned(wish, machine, taken) if wish.pinned is not None else _first_fit(wish, machine, taken)
        if slots is None:
            raise _refusal(wish, machine, taken)
        found[wish.service] = slots
        for slot in slots:
            before = taken[slot.index]
            taken[slot.index] = _Taken(
                bytes=before.bytes + wish.needs[slot.index].bytes,
                by=(*before.by, wish.service),
                whole=wish.service if wish.whole else before.whole,
            )
    return found


def _order(wish: CardWish) -> tuple[object, ...]:
    """Placed by hand, then those that want a card alone, then the largest; names decide between equals."""
    return (wish.pinned is None, not wish.whole, -wish.largest, wish.service)


def _room(slot: Slot, machine: StackMachine, taken: Mapping[int, _Taken]) -> int | None:
    """Bytes that are left; None: the card's memory is unknown."""
    return None if slot.memory is None else slot.memory - machine.reserve - taken[slot.index].bytes


def _fits(wish: CardWish, slot: Slot, machine: StackMachine, taken: Mapping[int, _Taken]) -> bool:
    need, there = wish.needs.get(slot.index), taken[slot.index]
    if need is None or there.whole or (wish.whole and there.by):
        return False
    room = _room(slot, machine, taken)
    return room is None or need.bytes <= room


def _first_fit(wish: CardWish, machine: StackMachine, taken: Mapping[int, _Taken]) -> tuple[Slot, ...] | None:
    fitting = [slot for slot in machine.slots if _fits(wish, slot, machine, taken)]
    return tuple(fitting[: wish.count]) if len(fitting) >= wish.count else None


def _pinned(wish: CardWish, machine: StackMachine, taken: Mapping[int, _Taken]) -> tuple[Slot, ...] | None:
    slots = tuple(machine.slots[index] for index in wish.pinned or ())
    for slot in slots:
        there = taken[slot.index]
        if slot.index not in wish.needs:
            raise wrong(
                f"no image of {wish.service} runs on {slot}",
                *("services", wish.service, "cards"),
                hint=_runs_on(wish, machine),
                file=HOST,
            )
        if there.whole or (wish.whole and there.by):
            other = there.whole or there.by[0]
            who = wish.service if wish.whole else other
            raise wrong(
                f"{wish.service} and {other} are both on {slot}, which {who} claims whole",
                *("services", wish.service, "cards"),
                hint="Place one of them on another card, or take out `card.whole`.",
                file=HOST,
            )
    return slots if all(_fits(wish, slot, machine, taken) for slot in slots) else None


def _runs_on(wish: CardWish, machine: StackMachine) -> str:
    able = [str(slot) for slot in machine.slots if slot.index in wish.needs]
    return f"It has images for {', '.join(able)}." if able else "It has images for none of the machine's cards."


# ---------------------------------------------------------------------------------------------- refusals


def _refusal(wish: CardWish, machine: StackMachine, taken: Mapping[int, _Taken]) -> InputError:
    at = ("services", wish.service)
    if not machine.slots:
        hint = "Write accelerator: cpu, or name another machine: --host NAME."
        return wrong(f"{wish.service} computes on a card, and {machine.name} has none", *at, hint=hint)
    if not wish.needs:
        instead = ", or write accelerator: cpu" if wish.on_processor else ""
        return wrong(
            f"no image of {wish.service} runs on a card of {machine.name}",
            *at,
            hint=f"See {_plans(machine)} for what there is{instead}.",
        )
    whole = _whole_reason(wish, machine, taken)
    lines = [f"{wish.service} does not fit on {machine.name}: {whole or _short(wish, machine, taken)}"]
    lines += [f"  {_table_line(slot, machine, taken)}" for slot in machine.slots]
    return wrong("\n".join(lines), *at, hint=" ".join(_changes(wish, machine, taken)))


def _plans(machine: StackMachine) -> str:
    """The command for each card. NVIDIA's driver decides as well."""
    driver = f" --driver {machine.driver}" if machine.driver else ""
    cards = dict.fromkeys(
        (slot.name, driver if slot.accelerator is AcceleratorName.CUDA else "") for slot in machine.slots
    )
    commands = [f"`bakehouse plan --gpu {name}{of_driver}`" for name, of_driver in cards]
    return " and ".join(commands) or "`bakehouse plan --gpu CARD`"


def _short(wish: CardWish, machine: StackMachine, taken: Mapping[int, _Taken]) -> str:
    slot, missing = _nearest(wish, machine, taken)
    need = wish.needs[slot.index]
    each = f" on each of {wish.count} cards" if wish.count > 1 else ""
    return f"it takes {size(need.bytes)}{each} ({need.how}), and {size(missing)} are missing on {slot}"


def _nearest(wish: CardWish, machine: StackMachine, taken: Mapping[int, _Taken]) -> tuple[Slot, int]:
    """The card on which the least is missing, and how much."""
    lacks = []
    for slot in machine.slots:
        room, need = _room(slot, machine, taken), wish.needs.get(slot.index)
        if need is not None and room is not None:
            lacks.append((max(0, need.bytes - room), slot.index))
    if not lacks:
        return next(slot for slot in machine.slots if slot.index in wish.needs), 0
    missing, index = sorted(lacks)[min(len(lacks), wish.count) - 1]
    return machine.slots[index], missing


def _whole_reason(wish: CardWish, machine: StackMachine, taken: Mapping[int, _Taken]) -> str | None:
    able = [slot for slot in machine.slots if slot.index in wish.needs]
    if len(able) < wish.count:
        return f"it wants {wish.count} cards, and its images run on {len(able)}"
    held = [taken[slot.index].whole or taken[slot.index].by[:1] for slot in able]
    if wish.whole and all(held):
        return "it wants a card to itself, and each has a service already"
    if all(taken[slot.index].whole for slot in able):
        return "each card that it runs on is claimed whole by another service"
    return None


def _table_line(slot: Slot, machine: StackMachine, taken: Mapping[int, _Taken]) -> str:
    there, room = taken[slot.index], _room(slot, machine, taken)
    has = size(slot.memory) if slot.memory else "memory unknown"
    by = f", taken by {', '.join(there.by)}" if there.by else ""
    return f"{slot}: {has}{by}, {size(max(0, room or 0))} left beside a reserve of {size(machine.reserve)}"


def _changes(wish: CardWish, machine: StackMachine, taken: Mapping[int, _Taken]) -> list[str]:
    """What would help, the smallest change first."""
    slot, missing = _nearest(wish, machine, taken)
    room = _room(slot, machine, taken)
    found = []
    if missing and room is not None and (context := _smaller_context(wish, room)):
        found.append(f"It fits with a context of {context:,} tokens instead of {wish.context:,}.")
    if missing and slot.memory:
        found.append(f"A card with {size(slot.memory + missing)} would hold it.")
    if wish.on_processor:
        found.append("Or write accelerator: cpu.")
    return found or ["Place one of the services on another card."]


def _smaller_context(wish: CardWish, room: int) -> int | None:
    """The longest context in steps of 256 tokens with which it fits; None: not even a short one helps."""
    if wish.context is None:
        return None
    low, high = LEAST_CONTEXT // STEP, wish.context // STEP
    best = None
    while low <= high:
        middle = (low + high) // 2
        need = wish.with_context(middle * STEP)
        if need is not None and need.bytes <= room:
            best, low = middle * STEP, middle + 1
        else:
            high = middle - 1
    return best
