"""What must hold of a plan before anything is rendered from it. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from bakehouse.errors import InputError
from bakehouse.formatting import size
from bakehouse.model.stack import Stack
from bakehouse.stacks.loaded import wrong
from bakehouse.stacks.plan import Planned, StackPlan


def check(plan: StackPlan, stack: Stack, *, untested: bool) -> list[InputError]:
    """Every reason why the plan cannot be used."""
    errors = list(_images(plan)) if not untested else []
    errors += _cards(plan)
    errors += _models(plan, stack)
    errors += _memory(plan)
    errors += _gates(plan)
    errors += _targets(plan, stack)
    errors += _open_doors(plan)
    return errors


def _images(plan: StackPlan) -> Iterator[InputError]:
    for service in plan.services:
        if not service.tested:
            yield wrong(
                f"no run has passed {service.cell}, the image of {service.name}",
                *("services", service.name),
                hint=f"Prove it: nox -s build-matrix -- --only {service.cell}. "
                "To use images by name, untested: --untested.",
            )


def _cards(plan: StackPlan) -> Iterator[InputError]:
    """The solver holds to this; a plan that somebody else made may not."""
    for slot in plan.machine.slots:
        there = plan.on(slot)
        alone = [one.name for one in there if one.whole]
        if alone and len(there) > 1:
            names = " and ".join(one.name for one in there)
            yield wrong(f"{names} are both on {slot}, which {alone[0]} claims whole", "services", alone[0], "card")
        left = plan.left(slot)
        if left is not None and left < 0:
            names = ", ".join(one.name for one in there)
            yield wrong(f"{names} take {size(-left)} more than {slot} has", "services", there[0].name, "card")


def _models(plan: StackPlan, stack: Stack) -> Iterator[InputError]:
    for service in plan.services:
        model = stack.services[service.name].model
        if model and not any(mount.model for mount in service.mounts):
            what = model.name or model.file or model.folder
            yield wrong(
                f"no place has the model {what} of {service.name}",
                *("services", service.name, "model"),
                hint="See `places` of the model in matrix.yaml, or name a file or folder of the machine.",
            )


def _memory(plan: StackPlan) -> Iterator[InputError]:
    for service in plan.services:
        need = service.need
        if not service.on_card and need.how in ("computed", "measured") and need.bytes > service.memory:
            yield wrong(
                f"{service.name} takes {size(need.bytes)} ({need.how}), and its container may use "
                f"{size(service.memory)}",
                *("services", service.name, "memory"),
                hint="Raise memory, or give it a shorter context.",
            )
    yield from _of_the_machine(plan)


def _of_the_machine(plan: StackPlan) -> Iterator[InputError]:
    """Limits together, and what cards take that have no memory of their own."""
    if plan.machine.memory is None:
        return
    unified = sum(
        one.need.bytes for slot in plan.machine.slots if slot.unified for one in plan.on(slot) if not one.profile
    )
    limits = sum(one.memory for one in plan.services if not one.profile)
    if (wanted := limits + unified) > plan.machine.memory:
        largest = max(plan.services, key=lambda one: one.memory)
        beside = f" and {size(unified)} of unified memory for cards" if unified else ""
        yield wrong(
            f"the services may use {size(limits)}{beside} together, and {plan.machine.name} has "
            f"{size(plan.machine.memory)}",
            *("services", largest.name, "memory"),
            hint=f"Lower `memory` by {size(wanted - plan.machine.memory)}.",
        )


def _gates(plan: StackPlan) -> Iterator[InputError]:
    gated = {need.service for service in plan.services for need in service.needs}
    for service in plan.services:
        if service.name in gated and not service.health.command:
            yield wrong(
                f"others wait until {service.name} is healthy, and nothing says when that is",
                *("services", service.name),
                hint=f"Give recipe {service.recipe} a health check (runtime.healthcheck).",
            )


def _open_doors(plan: StackPlan) -> Iterator[InputError]:
    """A gateway without a key answers everybody who reaches it: only this machine should."""
    gateway = plan.gateway
    if gateway is None or gateway.key is not None:
        return
    published = plan.service(gateway.service).publish
    if published and not ipaddress.ip_address(published[0]).is_loopback:
        yield wrong(
            f"the gateway is published on {published[0]} and asks for no key",
            "gateway",
            hint="Write key: FILE, with a key in that file, or publish it on 127.0.0.1.",
        )


def _targets(plan: StackPlan, stack: Stack) -> Iterator[InputError]:
    """Two things in one place of a container, and two models of one name behind one gateway."""
    for service in plan.services:
        targets = [mount.target for mount in service.mounts]
        for target in dict.fromkeys(targets):
            if targets.count(target) > 1:
                yield wrong(
                    f"two things are mounted at {target} of {service.name}",
                    *("services", service.name, _where(service, target, stack)),
                    hint="Give one of them another path.",
                )


def _where(service: Planned, target: str, stack: Stack) -> str:
    written = stack.services[service.name]
    return "files" if target in written.files else "keeps" if target in written.keeps else "model"
