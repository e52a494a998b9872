"""A chain of places: each is tried in turn, and its outcome is kept for the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bakehouse.errors import BakehouseError, InfrastructureError
from bakehouse.model.report import Attempt
from bakehouse.supply.context import Found

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place(Generic[T]):
    """One place, ready to be asked."""

    title: str
    """For people: `registry docker.io/library/debian:trixie-slim`."""
    get: Callable[[], Found[T]]
    """Raises InfrastructureError or OSError when it has nothing for us."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainResult(Generic[T]):
    """What a whole chain gave."""

    found: Found[T] | None
    attempts: tuple[Attempt, ...]

    @property
    def why_not(self) -> str:
        """`registry ... (its name does not resolve); debootstrap trixie (...)`."""
        return "; ".join(f"{attempt.place} ({attempt.message})" for attempt in self.attempts)


def try_in_order(places: Sequence[Place[T]], *, platforms: frozenset[str] = frozenset()) -> ChainResult[T]:
    """Ask until a place serves all `platforms`. If none does, the first that serves one of them is taken."""
    attempts: list[Attempt] = []
    partial: tuple[int, Found[T]] | None = None
    for place in places:
        try:
            found = place.get()
        except (InfrastructureError, OSError) as error:
            attempts.append(Attempt(place=place.title, ok=False, message=one_line(error)))
            continue
        lacking = platforms - found.platforms if found.platforms is not None else frozenset()
        if not lacking:
            attempts.append(Attempt(place=place.title, ok=True, message=found.message))
            return ChainResult(found=found, attempts=tuple(attempts))
        if partial is None and lacking != platforms:
            partial = len(attempts), found
        attempts.append(Attempt(place=place.title, ok=False, message=f"has nothing for {', '.join(sorted(lacking))}"))
    if partial is None:
        return ChainResult(found=None, attempts=tuple(attempts))
    position, found = partial
    lacks = attempts[position].message
    attempts[position] = Attempt(place=attempts[position].place, ok=True, message=f"{found.message}; {lacks}")
    return ChainResult(found=found, attempts=tuple(attempts))


def one_line(error: Exception) -> str:
    """Message and hint of an error without line breaks."""
    if isinstance(error, BakehouseError):
        text = f"{error.message}. {error.hint}" if error.hint else error.message
    else:
        text = f"{type(error).__name__}: {error}"
    return " ".join(text.split())
