"""How many bytes a service takes: declared, measured, or computed from its model's header. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bakehouse.model.serving import ServerName
from bakehouse.model_files.gguf.header import Header
from bakehouse.servers.deployment import DEPLOYMENTS
from bakehouse.stacks.plan import Need

DRIVER_CONTEXT = 512 * 2**20
"""Bytes that a process takes of a card for itself: code, driver's context, libraries. An estimate from above."""
WORKING_SPACE = 1536 * 2**20
"""Bytes for activations and graphs of a server that fills the rest of its share with its cache."""
_FREE = 100 * 10**6
"""Bytes a second that the slowest storage we plan for gives: how long a model may load."""
_BASE_START = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFacts:
    """What is known of the files that a service serves."""

    header: Header | None = None
    """Of a GGUF file that could be read here."""
    bytes: int | None = None
    """All its files together."""
    paths: tuple[str, ...] = ()
    """Of the machine that the stack runs on; the served file or folder first."""
    cached: tuple[str, ...] = ()
    """The same files where this machine keeps what it has fetched, in that order."""
    digest: str = ""


def computed(
    server: ServerName, facts: ModelFacts, args: Sequence[str], env: Mapping[str, str], *, on_card: bool
) -> Need | None:
    """From the model's header, or the weights' bytes where the family fills a share; None: nothing tells."""
    known = DEPLOYMENTS[server]
    context = {"driver context": DRIVER_CONTEXT} if on_card else {}
    if known.allocates and facts.header:
        found = known.allocates(facts.header, args, env, on_card)
        parts = {"weights": found.weights, "cache": found.cache, "compute": found.compute, **context}
        return Need(bytes=sum(parts.values()), how="computed", parts=parts, cells=found.cells)
    if known.share_argument and facts.bytes and on_card:
        parts = {"weights": facts.bytes, "working space": WORKING_SPACE, **context}
        return Need(bytes=sum(parts.values()), how="computed", parts=parts)
    return None


def start_seconds(recipe: float, model_bytes: int | None) -> int:
    """How long it may take until it is healthy: the recipe's time, or a minute and what slow storage takes."""
    loading = _BASE_START + -(-(model_bytes or 0) // _FREE) if model_bytes else 0
    return max(round(recipe), loading)
