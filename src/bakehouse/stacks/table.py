"""Which service got what, and what is left, as text. Pure."""

from __future__ import annotations

from rich.table import Table

from bakehouse.formatting import NOTHING, size
from bakehouse.stacks.plan import Need, Planned, StackPlan


def services_table(plan: StackPlan) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("service", "image", "on", "takes", "limit", "reached at"):
        is_copied = name in ("service", "image")
        table.add_column(name, justify="right" if name in ("takes", "limit") else "left", no_wrap=is_copied)
    for service in plan.services:
        table.add_row(
            service.name + (f" ({service.profile})" if service.profile else ""),
            service.cell,
            ", ".join(f"card {slot.index}" for slot in service.slots) or "processor",
            f"{size(service.need.bytes)} {service.need.how}",
            size(service.memory),
            _reached(service),
        )
    return table


def cards_table(plan: StackPlan) -> Table | None:
    """None: the machine has no card."""
    if not plan.machine.slots:
        return None
    table = Table(box=None, pad_edge=False)
    for name in ("card", "has", "taken by", "takes", "reserve", "left"):
        table.add_column(name, justify="right" if name in ("has", "takes", "reserve", "left") else "left")
    for slot in plan.machine.slots:
        there = plan.on(slot)
        table.add_row(
            f"{slot.index} {slot.name}",
            size(slot.memory),
            ", ".join(f"{one.name} {size(one.need.bytes)}" for one in there) or NOTHING,
            size(sum(one.need.bytes for one in there)),
            size(plan.machine.reserve),
            size(plan.left(slot)),
        )
    return table


def parts(need: Need) -> str:
    """`weights 121 MiB, cache 90.0 MiB, compute 17.5 MiB`; empty where it was not computed."""
    return ", ".join(f"{name} {size(value)}" for name, value in need.parts.items())


def _reached(service: Planned) -> str:
    if service.publish:
        return f"{service.publish[0]}:{service.publish[1]}"
    return f"{service.name}:{service.port} inside"
