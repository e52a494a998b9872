"""What a deployment must know of a family of servers, apart from how it is probed: figures, names, memory. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bakehouse.model_files.gguf.header import Header
from bakehouse.model_files.gguf.limit import Kept


@dataclass(frozen=True, kw_only=True, slots=True)
class Allocation:
    """Bytes."""

    weights: int
    cache: int
    """Keys, values and the state of recurrent layers."""
    compute: int
    cells: int
    """Tokens of context."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    metrics_path: str | None = None
    metrics_arguments: tuple[str, ...] = ()
    """What makes it tell its figures."""
    name_argument: str | None = None
    """Takes what requests call its model."""
    model_options: tuple[str, ...] = ()
    """Further names of the argument that takes its model, and arguments that name a model elsewhere."""
    model_suffix: str | None = None
    """How the one file that it serves ends; None: it takes other files and folders, too."""
    cache_used: str | None = None
    """Metric: share of the KV cache that is in use."""
    card_arguments: tuple[str, ...] = ()
    """On a card, so that it fails instead of computing elsewhere."""
    share_argument: str | None = None
    """Takes the share of a card's memory that it may use, where it would take nearly all of it."""
    allocates: Callable[[Header, Sequence[str], Mapping[str, str], bool], Allocation] | None = None
    """Bytes by a model's header, its arguments and environment, and whether it is on a card."""
    keeps: Callable[[Mapping[str, str]], Kept] = lambda _: Kept()
    """How it keeps the cache, by its arguments: each with its value."""
