"""The newest patch of the images that stages start from, and of the toolkits that are in them: registries are asked.

A base keeps its first two numbers and its variant: `12.9.1-devel-ubuntu24.04` becomes `12.9.2-devel-ubuntu24.04`, and
never 13.0 or another distribution. The lockfile says what a tag without a patch stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bakehouse.config.yaml_document import KeyPath
from bakehouse.errors import BakehouseError
from bakehouse.model.cell import Cell, World
from bakehouse.model.matrix import Toolkit
from bakehouse.model.places import DockerfilePlace, RegistryPlace
from bakehouse.registry.location import parse
from bakehouse.registry.opening import Registries
from bakehouse.supply.context import OFFLINE
from bakehouse.supply.newest.move import NewerValue, News

_PATCHED = re.compile(r"(?P<minor>[0-9]{1,6}\.[0-9]{1,6})\.(?P<patch>[0-9]{1,6})(?P<variant>(?:-[A-Za-z0-9_.-]+)?)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """A tag that names a version with a patch."""

    minor: str
    """`12.9`"""
    patch: int
    variant: str
    """`-devel-ubuntu24.04`, or nothing."""

    @classmethod
    def read(cls, text: str) -> Tag | None:
        found = _PATCHED.fullmatch(text)
        return cls(minor=found["minor"], patch=int(found["patch"]), variant=found["variant"]) if found else None

    @property
    def version(self) -> str:
        return f"{self.minor}.{self.patch}"

    def __str__(self) -> str:
        return f"{self.version}{self.variant}"


def newest_of(tag: Tag, others: Iterable[str]) -> Tag:
    """The one with the highest patch that is otherwise the same."""
    alike = [one for text in others if (one := Tag.read(text)) and (one.minor, one.variant) == (tag.minor, tag.variant)]
    return max([tag, *alike], key=lambda one: one.patch)


def newest_bases(
    world: World, cells: Sequence[Cell], *, environ: Mapping[str, str], registries: Registries
) -> Iterator[News]:
    """Of the bases of cells that come from a registry by a version, and of their toolkits. Raises nothing."""
    offline = environ.get(OFFLINE, "0") not in ("", "0")
    for name in sorted({name for cell in cells for name in cell.bases}):
        for number, place in enumerate(world.matrix.bases[name].places):
            tag = Tag.read(parse(place.registry).reference) if isinstance(place, RegistryPlace) else None
            if not isinstance(place, RegistryPlace) or tag is None:
                continue
            if offline:
                yield News(kind="base", name=name, silent=(f"not asked, {OFFLINE} is set",))
                continue
            location = parse(place.registry)
            try:
                newest = newest_of(tag, registries.read(location).tags())
            except BakehouseError as error:
                why = f"registry {location.name} cannot be reached: {error.message}"
                yield News(kind="base", name=name, silent=(why,))
            else:
                path: KeyPath = ("bases", name, "places", number, "registry")
                yield _news(name, NewerValue(path=path, old=place.registry, new=""), tag, newest, world)


def _news(name: str, place: NewerValue, tag: Tag, newest: Tag, world: World) -> News:
    """`place`: the value that would change."""
    if newest == tag:
        return News(kind="base", name=name, notes=(f"{tag} is the newest",))
    if any(isinstance(one, DockerfilePlace) for one in world.matrix.bases[name].places):
        note = f"stays: its registry has {newest}, and its other places hold {tag.version}; move all of them"
        return News(kind="base", name=name, notes=(note,))
    toolkits = {key: row for key, row in world.matrix.toolkits.items() if _is_of(row, name, tag)}
    moves = [replace(place, new=place.old.replace(f":{tag}", f":{newest}"))]
    moves += [NewerValue(path=("toolkits", key, "version"), old=tag.version, new=newest.version) for key in toolkits]
    notes = tuple(
        f"driver floors of {key} are those of {tag.version}: see {row.source or 'its release notes'}"
        for key, row in toolkits.items()
        if row.driver_floor
    )
    return News(kind="base", name=name, moves=tuple(moves), notes=notes)


def _is_of(toolkit: Toolkit, base: str, tag: Tag) -> bool:
    return toolkit.build_base == base and toolkit.version == tag.version
