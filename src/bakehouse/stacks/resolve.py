"""A stack's file and a machine to a plan with everything decided. Pure: what was read of disks is an argument.

Raises InputErrors with file and line for all that is wrong, before anything is rendered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from bakehouse.errors import InputError
from bakehouse.model.cell import Cell
from bakehouse.model.stack import Service
from bakehouse.stacks import choose_cell, needs_of
from bakehouse.stacks.assign import CardWish, assign
from bakehouse.stacks.check import check
from bakehouse.stacks.conflicts import check_conflicts
from bakehouse.stacks.gateway import told
from bakehouse.stacks.inputs import StackInputs
from bakehouse.stacks.loaded import raise_all, wrong
from bakehouse.stacks.plan import Planned, PlannedGateway, PlannedMetrics, Slot, StackPlan
from bakehouse.stacks.planned import planned
from bakehouse.stacks.references import check_references


def resolve_stack(inputs: StackInputs) -> StackPlan:
    """Decide everything, and check it."""
    loaded = inputs.loaded
    try:
        raise_all(check_references(loaded.stack, loaded.host, inputs.world, inputs.resolution))
        raise_all(check_conflicts(loaded.stack, loaded.host, inputs.world, inputs.resolution))
        plan = _plan(inputs)
        raise_all(check(plan, inputs.loaded.stack, untested=inputs.untested))
    except InputError as error:
        raise loaded.pinpoint(error) from None
    return plan


def _plan(inputs: StackInputs) -> StackPlan:
    stack = inputs.loaded.stack
    chosen = choose_cell.World(
        cells=inputs.resolution.cells, matrix=inputs.world.matrix, machine=inputs.machine, targets=inputs.targets
    )
    by_slot = {name: _cells(inputs.service(name), chosen) for name in stack.services}
    wishes = [_wish(name, by_slot[name], inputs, chosen) for name in stack.services if _on_card(name, by_slot, inputs)]
    slots = assign(wishes, inputs.machine)
    services = []
    errors: list[InputError] = []
    for name in stack.services:
        used = slots.get(name, ())
        cell = _cell(name, used, by_slot[name], inputs, chosen)
        if isinstance(cell, InputError):
            errors.append(cell)
        else:
            services.append(planned(name, cell, used, inputs))
    raise_all(errors)
    gateway = stack.gateway
    return StackPlan(
        name=inputs.loaded.name,
        summary=stack.summary,
        machine=inputs.machine,
        services=told(services, gateway, stack.metrics),
        gateway=PlannedGateway(
            service=gateway.service,
            routes=gateway.routes,
            probe_every=max(1, math.ceil(gateway.probe_every)),
            key=gateway.key,
        )
        if gateway
        else None,
        metrics=PlannedMetrics(
            service=stack.metrics.service,
            every=stack.metrics.every,
            expected={**_measured(services, inputs), **stack.metrics.expected},
        ),
        probes=stack.probes,
        load=stack.load,
    )


def _measured(services: list[Planned], inputs: StackInputs) -> dict[str, float]:
    """Service to the rate that its image was measured with."""
    return {one.name: inputs.rates[one.cell] for one in services if one.cell in inputs.rates}


def _cells(service: Service, chosen: choose_cell.World) -> dict[int, Cell]:
    """Card to the cell that it would get."""
    found = {slot.index: choose_cell.for_slot(service, slot, chosen) for slot in chosen.machine.slots}
    return {index: cell for index, cell in found.items() if cell}


def _on_card(name: str, by_slot: Mapping[str, Mapping[int, Cell]], inputs: StackInputs) -> bool:
    """Whether a service computes on cards: it says so, or it may and there is one."""
    service = inputs.service(name)
    if inputs.host_service(name).cards is not None:
        return True
    if service.accelerator == "any":
        return bool(by_slot[name])
    return service.accelerator != "cpu"


def _wish(name: str, cells: Mapping[int, Cell], inputs: StackInputs, chosen: choose_cell.World) -> CardWish:
    service = inputs.service(name)
    needs = {index: needs_of.on_card(name, service, cell, inputs) for index, cell in cells.items()}
    first = next(iter(cells.values()), None)
    context = next((need.cells for need in needs.values() if need.cells), None)
    return CardWish(
        service=name,
        needs=needs,
        count=service.card.count,
        whole=service.card.whole,
        pinned=inputs.host_service(name).cards,
        context=context,
        with_context=lambda tokens: needs_of.with_context(name, service, first, inputs, tokens) if first else None,
        on_processor=choose_cell.for_processor(service.model_copy(update={"accelerator": "cpu"}), chosen) is not None,
    )


def _cell(
    name: str, used: tuple[Slot, ...], by_slot: Mapping[int, Cell], inputs: StackInputs, chosen: choose_cell.World
) -> Cell | InputError:
    """The image that a service gets, or why it has none."""
    service = inputs.service(name)
    if used:
        cells = {by_slot[slot.index].name for slot in used}
        if len(cells) > 1:
            return wrong(
                f"its cards want different images: {', '.join(sorted(cells))}", "services", name, "card", "count"
            )
        return by_slot[used[0].index]
    cell = choose_cell.for_processor(service, chosen)
    if cell is None:
        what = service.cell or f"recipe {service.recipe}"
        there = inputs.machine
        hint = f"{there.name} is {there.platform}; see `bakehouse plan --recipe NAME` for its cells."
        return wrong(f"no cell of {what} runs on the processor of {there.name}", "services", name, hint=hint)
    return cell
