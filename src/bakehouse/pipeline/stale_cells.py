"""Cells that a nightly run builds: those whose published image is not what the project says now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bakehouse.errors import InputError
from bakehouse.model.cell import Cell, World
from bakehouse.model.image_catalogue import ImageCatalogue, PlatformImage, PublishedImage
from bakehouse.pipeline.changed_since import find_affected


@dataclass(frozen=True, kw_only=True, slots=True)
class Stale:
    why: Mapping[str, str]
    """For each stale cell, in words."""

    def of(self, cells: Sequence[Cell]) -> tuple[Cell, ...]:
        return tuple(cell for cell in cells if cell.name in self.why)


def stale_cells(
    root: Path,
    cells: Sequence[Cell],
    published: ImageCatalogue,
    *,
    channel: str,
    world: World,
    environ: Mapping[str, str],
) -> Stale:
    """Every cell of which `channel` names no image, or one that was built from other inputs, or that nobody has
    confirmed for longer than the policy allows. Inputs are compared with those of the commit that the image was built
    from; where nobody knows that commit, the cell is stale.
    """
    named = {
        platform.cell: (image, platform)
        for image in published.images
        if image.channel == channel
        for platform in image.platforms
    }
    why = {cell.name: "the channel names no image of it" for cell in cells if cell.name not in named}
    by_commit: dict[str, list[str]] = {}
    for cell in cells:
        if cell.name in named:
            image, platform = named[cell.name]
            if words := _at_once(image, platform):
                why[cell.name] = words
            else:
                by_commit.setdefault(platform.commit, []).append(cell.name)
    for commit, names in by_commit.items():
        why |= dict(_since(root, commit, names, world, environ))
    return Stale(why=why)


def _at_once(image: PublishedImage, platform: PlatformImage) -> str:
    """What needs no look at the project; empty: nothing."""
    if not platform.commit:
        return "its image does not say which commit it was built from"
    if image.is_stale:
        return "no run has confirmed it for longer than the policy allows"
    return ""


def _since(
    root: Path, commit: str, names: Sequence[str], world: World, environ: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    try:
        affected = find_affected(root, commit, world=world, environ=environ)
    except InputError as error:
        yield from ((name, f"its commit cannot be compared with: {error.message}") for name in names)
        return
    for name in names:
        if inputs := affected.why.get(name):
            yield name, affected.everything_because or f"other than at {commit[:9]}: {', '.join(inputs)}"
