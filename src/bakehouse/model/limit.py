"""The most that a device could do with a model, beside what was measured."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_STRICT = ConfigDict(extra="forbid")

Bound = Literal["memory", "compute"]


class Limit(BaseModel):
    """One thing that a rate cannot exceed: what the device reads, or what it computes, in a second."""

    model_config = _STRICT

    by: Bound
    rate: float = Field(gt=0)
    """Units of the rate a second (tokens, or the recipe's own), if nothing else took time."""
    ceiling: float = Field(gt=0)
    """Bytes or operations a second that the device reaches."""
    work: float = Field(gt=0)
    """Bytes or operations that one of them takes at least."""
    source: str
    """Where the ceiling is from: `data sheet of h200`, `measured here: reading 128 MiB`."""


class CacheAtDepth(BaseModel):
    """What a token reads of those before it."""

    model_config = _STRICT

    tokens: int
    """Tokens before it."""
    bytes: float


class ModelWork(BaseModel):
    """How much a model reads and computes for each token, by its file."""

    model_config = _STRICT

    name: str
    architecture: str
    file_bytes: int
    parameters: int
    active_parameters: int
    """Those that one token is multiplied with: of a mixture of experts, few."""
    bytes_per_token: int
    """Of weights that a decoded token reads."""
    state_bytes: int = 0
    """Of recurrent state that it reads and writes beside."""
    cache_bytes: list[CacheAtDepth] = []
    """Of keys and values, in the types that the server was told."""
    operations_per_prompt_token: float
    """At the beginning of a prompt; looking back comes on top."""
