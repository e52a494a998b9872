"""The same stack on cards of vendors that the machine has none of: for the overlays of a cluster. Pure."""

from __future__ import annotations

from dataclasses import replace

from bakehouse.errors import InputError
from bakehouse.model import machine as found
from bakehouse.planning.gpus import find_target
from bakehouse.stacks.inputs import StackInputs
from bakehouse.stacks.loaded import Loaded
from bakehouse.stacks.plan import Planned, Slot, StackPlan
from bakehouse.stacks.resolve import resolve_stack
from bakehouse.stacks.vendors import VENDORS, Vendor


def for_other_vendors(plan: StackPlan, inputs: StackInputs) -> dict[str, StackPlan | str]:
    """Vendor to plan, or to why there is none, for those that the plan uses none of.

    Each service gets a card of its own: what a cluster has is not known here.
    """
    used = {VENDORS[slot.accelerator].name for service in plan.services for slot in service.slots}
    return {vendor.name: _on(vendor, inputs) for vendor in VENDORS.values() if vendor.name not in used}


def _on(vendor: Vendor, inputs: StackInputs) -> StackPlan | str:
    matrix = inputs.world.matrix
    if vendor.usual not in matrix.gpus:
        return f"the catalogue has no {vendor.usual}"
    row = matrix.gpus[vendor.usual]
    count = sum(service.card.count for service in inputs.loaded.stack.services.values())
    slots = tuple(
        Slot(
            index=index,
            accelerator=row.accelerator,
            name=vendor.usual,
            arch=row.arch,
            memory=None,
            id=str(index),
            render=f"/dev/dri/renderD{128 + index}" if vendor.render else None,
            pci=row.pci,
        )
        for index in range(count)
    )
    target = find_target(vendor.usual, matrix, found.Machine(platform=row.platform, cores=1, cards=()))
    machine = replace(inputs.machine, platform=row.platform, slots=slots, memory=None, driver=None)
    loaded = _flexible(inputs.loaded)
    changed = replace(inputs, loaded=loaded, machine=machine, targets=dict.fromkeys(range(count), target))
    try:
        made = resolve_stack(replace(changed, untested=True))
    except InputError as error:
        return str(error).splitlines()[0]
    kept = tuple(one for one in made.services if _may_be_there(one, inputs))
    if not any(service.slots for service in kept):
        return f"no service of this stack has an image for cards of {vendor.name}"
    return replace(made, services=kept)


def _may_be_there(service: Planned, inputs: StackInputs) -> bool:
    """Whether the file leaves it open on whose cards it computes, or says theirs."""
    written = inputs.loaded.stack.services[service.name].accelerator
    return written in ("any", service.accelerator.value)


def _flexible(loaded: Loaded) -> Loaded:
    """Without the values for the machine's own cards. What is to be on the processor stays there."""
    services = {
        name: one
        if one.accelerator == "cpu"
        else one.model_copy(update={"accelerator": "any", "card": one.card.model_copy(update={"whole": True})})
        for name, one in loaded.stack.services.items()
    }
    return replace(loaded, stack=loaded.stack.model_copy(update={"services": services}), host=None)
