"""Which options a source has that another revision of it did not have, and the other way round. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bakehouse.lint.options import SourceOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class OptionsChange:
    """Options of one kind that came, went, or have another default now."""

    kind: str
    """For people: `CMake options`."""
    came: tuple[str, ...]
    went: tuple[str, ...]
    other_default: tuple[str, ...] = ()
    """`WITH_GRAPHS: OFF, was ON`."""


def changes(before: SourceOptions, after: SourceOptions) -> tuple[OptionsChange, ...]:
    """What is different; nothing of a kind that is the same."""
    return tuple(one for one in _all(before, after) if one.came or one.went or one.other_default)


def _all(before: SourceOptions, after: SourceOptions) -> Iterator[OptionsChange]:
    old, new = before.cmake.options, after.cmake.options
    yield _change("CMake options", set(old), set(new), _defaults(before, after))
    yield _change("arguments of the server", _arguments(before), _arguments(after))


def _change(kind: str, old: set[str], new: set[str], defaults: tuple[str, ...] = ()) -> OptionsChange:
    return OptionsChange(
        kind=kind, came=tuple(sorted(new - old)), went=tuple(sorted(old - new)), other_default=defaults
    )


def _arguments(options: SourceOptions) -> set[str]:
    return {name for one in options.arguments if one.removed is None for name in (*one.names, *one.negated)}


def _defaults(before: SourceOptions, after: SourceOptions) -> tuple[str, ...]:
    old, new = before.cmake.options, after.cmake.options
    return tuple(
        f"{name}: {new[name].default or 'it depends'}, was {old[name].default or 'it depends'}"
        for name in sorted(old.keys() & new.keys())
        if old[name].default != new[name].default
    )
