"""Which service got what, and what is left, as text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from bakehouse.formatting import NOTHING, size, table_width, without_least_needed
from bakehouse.stacks.plan import Planned, Slot, StackPlan

_GAP = 2
"""Characters between two columns."""
_RIGHT = frozenset({"has", "takes", "limit", "reserve", "left"})
"""Columns of sizes."""
_LEAST_NEEDED = ("limit", "profile", "how", "reached at", "on")
"""Columns of services that make room for whole names on a narrow terminal, in this order."""
_LEAST_NEEDED_OF_CARDS = ("takes", "reserve", "has")

Row = Mapping[str, str]
"""Header to cell."""


def services_table(plan: StackPlan, *, width: int | None = None) -> Table:
    """`width`: columns of the terminal; None: nothing is left out."""
    rows = [_service(service, profiles=bool(plan.profiles)) for service in plan.services]
    return _table(rows, _LEAST_NEEDED, width)


def cards_table(plan: StackPlan, *, width: int | None = None) -> Table | None:
    """None: the machine has no card."""
    rows = [_card(slot, plan) for slot in plan.machine.slots]
    return _table(rows, _LEAST_NEEDED_OF_CARDS, width) if rows else None


def _table(rows: Sequence[Row], least_needed: Sequence[str], width: int | None) -> Table:
    """Names, addresses and sizes are copied, so they are never broken: columns give way, and are named below."""
    shown = rows if width is None else without_least_needed(rows, least_needed, width=width + _GAP, gap=_GAP)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    table.width = table_width(shown, gap=_GAP) - _GAP
    for name in shown[0]:
        table.add_column(name, justify="right" if name in _RIGHT else "left", no_wrap=True)
    for row in shown:
        table.add_row(*row.values())
    if left_out := [name for name in rows[0] if name not in shown[0]]:
        table.caption = f"a wider terminal shows: {', '.join(left_out)}"
        table.caption_justify, table.caption_style = "left", "dim"
    return table


def _service(service: Planned, *, profiles: bool) -> Row:
    profile = {"profile": service.profile or NOTHING} if profiles else {}
    return {
        "service": service.name,
        **profile,
        "image": service.cell,
        "on": ", ".join(f"card {slot.index}" for slot in service.slots) or "cpu",
        "takes": size(service.need.bytes),
        "how": service.need.how,
        "limit": size(service.memory),
        "reached at": _reached(service),
    }


def _card(slot: Slot, plan: StackPlan) -> Row:
    there = plan.on(slot)
    return {
        "card": f"{slot.index} {slot.name}",
        "has": size(slot.memory),
        "taken by": "\n".join(f"{one.name} {size(one.need.bytes)}" for one in there) or NOTHING,
        "takes": size(sum(one.need.bytes for one in there)),
        "reserve": size(plan.machine.reserve),
        "left": size(plan.left(slot)),
    }


def _reached(service: Planned) -> str:
    if service.publish:
        address, port = service.publish
        return f"{f'[{address}]' if ':' in address else address}:{port}"
    return f"{service.name}:{service.port}"
