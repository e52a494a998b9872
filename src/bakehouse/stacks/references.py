"""Contradictions within a stack's file: undefined names, cyclic dependencies, ports that are taken twice. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bakehouse.config.suggest import suggest
from bakehouse.errors import InputError
from bakehouse.model.cell import Resolution, World
from bakehouse.model.stack import Service, Stack, StackProbe
from bakehouse.model.stack_host import HostFile
from bakehouse.model.work import texts_in
from bakehouse.stacks.loaded import HOST, wrong

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9.-]*)\}")


def check_references(stack: Stack, host: HostFile | None, world: World, resolution: Resolution) -> list[InputError]:
    """Every mistake, in the order of the file."""
    errors = list(_services(stack, world, resolution))
    errors += _circles(stack)
    errors += _ports(stack)
    errors += _gateway(stack)
    errors += _others(stack)
    errors += _host(stack, host, world) if host else ()
    return errors


def _unknown(name: str, known: Iterable[str], *path: str | int, what: str, file: str | None = None) -> InputError:
    hint = suggest(name, sorted(known))
    return wrong(f"there is no {what} {name!r}", *path, hint=hint, **({"file": file} if file else {}))


def _services(stack: Stack, world: World, resolution: Resolution) -> Iterator[InputError]:
    cells = {cell.name for cell in resolution.cells}
    for name, service in stack.services.items():
        at = ("services", name)
        if service.recipe and service.recipe not in world.recipes:
            yield _unknown(service.recipe, world.recipes, *at, "recipe", what="recipe")
        if service.cell and service.cell not in cells:
            yield _unknown(service.cell, cells, *at, "cell", what="cell")
        if service.model and service.model.name and service.model.name not in world.matrix.models:
            yield _unknown(service.model.name, world.matrix.models, *at, "model", "name", what="model")
        for index, other in enumerate(service.needs):
            if other not in stack.services:
                yield _unknown(other, stack.services, *at, "needs", index, what="service")
            elif other in service.needs[:index]:
                yield wrong(f"{other} is listed twice", *at, "needs", index)
        yield from _rights(name, service)


def _rights(name: str, service: Service) -> Iterator[InputError]:
    rights = [one.right for one in service.loosen]
    for index, right in enumerate(rights):
        if right in rights[:index]:
            yield wrong(f"{right} is loosened twice", "services", name, "loosen", index)


def _circles(stack: Stack) -> Iterator[InputError]:
    """Each circle of `needs` once, told at its first service in the file."""
    told: set[frozenset[str]] = set()
    for start in stack.services:
        circle = _circle_from(start, stack)
        if circle and frozenset(circle) not in told:
            told.add(frozenset(circle))
            way = " needs ".join([*circle, circle[0]])
            yield wrong(
                f"{way}: none of them could start first",
                "services",
                circle[0],
                "needs",
                hint="Take one of these out of `needs`.",
            )


def _circle_from(start: str, stack: Stack) -> list[str] | None:
    """The way from a service back to itself."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for other in stack.services[way[-1]].needs:
            if other == start:
                return way
            if other in stack.services and other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return None


def _ports(stack: Stack) -> Iterator[InputError]:
    taken: dict[int, str] = {}
    for name, service in stack.services.items():
        if service.publish is None:
            continue
        port = service.publish.port
        if port in taken:
            yield wrong(
                f"port {port} of the machine is {taken[port]}'s already",
                "services",
                name,
                "publish",
                "port",
                hint="Give one of them another port, or reach it through the gateway.",
            )
        taken.setdefault(port, name)


def _gateway(stack: Stack) -> Iterator[InputError]:
    gateway = stack.gateway
    if gateway is None:
        return
    if gateway.service not in stack.services:
        yield _unknown(gateway.service, stack.services, "gateway", "service", what="service")
    called: dict[str, str] = {}
    for index, name in enumerate(gateway.routes):
        at = ("gateway", "routes", index)
        if name not in stack.services:
            yield _unknown(name, stack.services, *at, what="service")
        elif name == gateway.service:
            yield wrong("the gateway cannot route to itself", *at)
        elif (serves := stack.services[name].serves) is None:
            yield wrong(
                f"the gateway chooses by model, and {name} does not say what requests call its model",
                *at,
                hint=f"Write services.{name}.serves: NAME.",
            )
        elif serves in called and called[serves] == name:
            yield wrong(f"{name} is listed twice", *at)
        else:
            called[serves] = name


def _others(stack: Stack) -> Iterator[InputError]:
    known = stack.services
    if (service := stack.metrics.service) and service not in known:
        yield _unknown(service, known, "metrics", "service", what="service")
    for name in stack.metrics.expected:
        if name not in known:
            yield _unknown(name, known, "metrics", "expected", name, what="service")
    names = [probe.name for probe in stack.probes]
    for index, probe in enumerate(stack.probes):
        if probe.name in names[:index]:
            yield wrong(f"the probe {probe.name} is listed twice", "probes", index, "name")
        for number, step in enumerate(probe.steps):
            if step.to not in known:
                yield _unknown(step.to, known, "probes", index, "steps", number, "to", what="service")
        yield from _placeholders(index, probe)
    if stack.load and stack.gateway is None:
        yield wrong("the load goes through the gateway, and there is none", "load", hint="Write `gateway`.")


def _placeholders(index: int, probe: StackProbe) -> Iterator[InputError]:
    """`{NAME}` in what a step sends, where no earlier step has taken NAME. Without any `take`, braces are text."""
    every = {name for step in probe.steps for name in step.take}
    taken: set[str] = set()
    for number, step in enumerate(probe.steps):
        for key, sent in (("body", step.http.body), ("form", step.http.form)):
            used = {name for text in texts_in(sent) for name in _PLACEHOLDER.findall(text)} if every else set()
            for name in sorted(used - taken):
                why = "is taken by a later step" if name in every else "is taken by no step before it"
                yield wrong(
                    f"{{{name}}} {why}",
                    *("probes", index, "steps", number, "http", key),
                    hint=suggest(name, sorted(taken)) if taken else None,
                )
        taken |= set(step.take)


def _host(stack: Stack, host: HostFile, world: World) -> Iterator[InputError]:
    for index, card in enumerate(host.cards):
        if card.gpu not in world.matrix.gpus:
            yield _unknown(card.gpu, world.matrix.gpus, "cards", index, "gpu", what="card", file=HOST)
    for name, service in host.services.items():
        if name not in stack.services:
            yield _unknown(name, stack.services, "services", name, what="service", file=HOST)
        yield from _cards_of(name, service.cards or (), len(host.cards))


def _cards_of(name: str, cards: tuple[int, ...], there: int) -> Iterator[InputError]:
    has = f"the machine has {there} (0 to {there - 1})" if there else "the machine has none"
    for index, number in enumerate(cards):
        at = ("services", name, "cards", index)
        if number >= there:
            yield wrong(f"there is no card {number}: {has}", *at, file=HOST)
        if number in cards[:index]:
            yield wrong(f"card {number} is listed twice", *at, file=HOST)
