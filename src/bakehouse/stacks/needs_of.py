"""What a service of a stack takes of a card or of memory, by the best source there is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bakehouse.formatting import size_in_bytes
from bakehouse.model.cell import Cell
from bakehouse.model.stack import Service
from bakehouse.servers.deployment import DEPLOYMENTS
from bakehouse.stacks.loaded import wrong
from bakehouse.stacks.need import ModelFacts, computed
from bakehouse.stacks.plan import Need

NO_FACTS = ModelFacts()


class Known(Protocol):
    """What was found out beforehand, by service."""

    @property
    def facts(self) -> Mapping[str, ModelFacts]: ...

    @property
    def measured(self) -> Mapping[str, int]: ...


def on_card(name: str, service: Service, cell: Cell, known: Known) -> Need:
    """Of each card. Raises InputError where nothing tells: a plan does not guess."""
    need = _known(name, service, cell, known, on_card=True)
    if need is None:
        raise wrong(
            f"it is unknown how much of a card {name} takes",
            *("services", name, "card"),
            hint=_how_to_tell(service, known.facts.get(name, NO_FACTS)),
        )
    return need


def in_memory(name: str, service: Service, cell: Cell, known: Known) -> Need:
    """Of the machine's memory; at worst what the image was probed within."""
    probed = Need(bytes=size_in_bytes(cell.recipe.probes.memory_limit), how="probed")
    return _known(name, service, cell, known, on_card=False) or probed


def with_context(name: str, service: Service, cell: Cell, known: Known, tokens: int) -> Need | None:
    """The same with another context, where it was computed from the model's header."""
    allocates = DEPLOYMENTS[cell.recipe.server].allocates
    facts = known.facts.get(name, NO_FACTS)
    if allocates is None or facts.header is None:
        return None
    args = [*service.args, "--ctx-size", str(tokens)]
    return _each(computed(cell.recipe.server, facts, args, service.env, on_card=True), service)


def _known(name: str, service: Service, cell: Cell, known: Known, *, on_card: bool) -> Need | None:
    if on_card and service.card.memory:
        return Need(bytes=size_in_bytes(service.card.memory), how="declared")
    if not on_card and (measured := known.measured.get(name)):
        return Need(bytes=measured, how="measured")
    found = computed(
        cell.recipe.server,
        known.facts.get(name, NO_FACTS),
        service.args,
        {**cell.env, **service.env},
        on_card=on_card,
    )
    return _each(found, service) if on_card else found


def _each(need: Need | None, service: Service) -> Need | None:
    """Spread evenly over its cards."""
    count = service.card.count
    if need is None or count == 1:
        return need
    parts: Sequence[tuple[str, int]] = [(name, -(-value // count)) for name, value in need.parts.items()]
    return Need(bytes=sum(value for _, value in parts), how=need.how, parts=dict(parts), cells=need.cells)


def _how_to_tell(service: Service, facts: ModelFacts) -> str:
    if service.model and not facts.bytes:
        return "Its model is not on this machine. Write card.memory: SIZE, as it was measured, or plan where it is."
    return "Write card.memory: SIZE, as nvidia-smi or rocm-smi shows it while the service works."
