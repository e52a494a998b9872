"""Where stages start FROM: an image pinned by digest, or something made here that becomes a target of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import assert_never

from bakehouse.errors import SupplyError
from bakehouse.model.bake_names import base_target
from bakehouse.model.lock import LockedBase
from bakehouse.model.matrix import Base
from bakehouse.model.places import BasePlace, DebootstrapPlace, DockerfilePlace, RegistryPlace
from bakehouse.model.plan import Supply
from bakehouse.planning.render.toolchain import CROSS
from bakehouse.supply.attempts import Place, try_in_order
from bakehouse.supply.context import OFFLINE, Found, SupplyContext
from bakehouse.supply.debootstrap import Workshop, make_root_filesystem, platform_of
from bakehouse.supply.registry import Reference, ResolvedReference


def places_of(
    name: str, bases: Mapping[str, Base], *, needed: frozenset[str], context: SupplyContext
) -> list[Place[Supply]]:
    """The chain of one base, its mirrors written out. `needed`: the platforms of the cells that start from it."""
    return [
        place for entry in bases[name].places for place in _places(entry, name, bases, needed=needed, context=context)
    ]


def _places(
    entry: BasePlace, name: str, bases: Mapping[str, Base], *, needed: frozenset[str], context: SupplyContext
) -> Iterator[Place[Supply]]:
    match entry:
        case RegistryPlace():
            for reference in context.registries.places(entry.registry):
                yield Place(
                    title=f"registry {reference}",
                    get=partial(_from_registry, reference, entry.registry, name, bases[name], context),
                )
            local = Reference.parse(entry.registry)
            yield Place(title=f"engine's store {local}", get=lambda: _from_engine(local, entry.registry, name, context))
        case DebootstrapPlace():
            yield Place(
                title=f"debootstrap {entry.debootstrap.suite}",
                get=lambda: _from_debian(entry.debootstrap, name, needed, context),
            )
        case DockerfilePlace():
            yield Place(
                title=f"stage {entry.dockerfile.template} on {entry.dockerfile.on}",
                get=lambda: _from_stage(entry.dockerfile, bases, needed, context),
            )
        case _:
            assert_never(entry)


def _pinned(name: str, reference: str, context: SupplyContext) -> str | None:
    """The digest in the lockfile, if it was taken from this very reference."""
    pin = context.lock.bases.get(name)
    return pin.digest if pin and pin.reference == reference else None


def _from_registry(reference: Reference, written: str, name: str, base: Base, context: SupplyContext) -> Found[Supply]:
    if context.offline:
        raise SupplyError(f"not asked, {OFFLINE} is set")
    digest = _pinned(name, written, context)
    manifest = context.registries.look_up(reference, digest=digest)
    if digest and manifest.digest != digest:
        raise SupplyError(f"answered with {manifest.digest} when asked for {digest}")
    return Found(
        what=Supply(context=f"docker-image://{reference}@{manifest.digest}", identity=manifest.digest),
        identity=manifest.digest,
        message=_in_words(manifest, base),
        locked=digest is not None,
        platforms=manifest.platforms,
        base=LockedBase(reference=written, digest=manifest.digest),
    )


def _in_words(manifest: ResolvedReference, base: Base) -> str:
    """What was found, and which promise of the matrix it does not keep."""
    broken = sorted(set(base.platforms) - manifest.platforms) if manifest.platforms is not None else []
    return f"{manifest.digest}, without the promised {', '.join(broken)}" if broken else manifest.digest


def _from_engine(reference: Reference, written: str, name: str, context: SupplyContext) -> Found[Supply]:
    held = context.registries.held_by_engine(reference)
    if held is None:
        raise SupplyError("no such image")
    digest = _pinned(name, written, context)
    if digest and held.digest != digest:
        raise SupplyError(f"holds {held.digest}, but bakehouse.lock pins {digest}")
    return Found(
        what=Supply(context=f"docker-image://{reference}", identity=held.digest),
        identity=held.digest,
        message=held.digest,
        locked=digest is not None,
        platforms=held.platforms,
    )


def _from_debian(
    options: DebootstrapPlace.Options, name: str, needed: frozenset[str], context: SupplyContext
) -> Found[Supply]:
    here = platform_of(context.machine)
    # What is made here is this machine's; for the others a stage of the cell's own Dockerfile makes the same.
    served = frozenset({here, *CROSS})
    if not needed & served:
        raise SupplyError(f"made only for {' and '.join(sorted(served))} on this machine")
    workshop = Workshop(
        cache=context.cache,
        environ=context.environ,
        machine=context.machine,
        say=context.say,
        check=context.check,
        offline=context.offline,
    )
    made = make_root_filesystem(options, workshop=workshop)
    identity = f"sha256:{made.sha256}"
    return Found(
        what=Supply(context=f"target:{base_target(name)}", rootfs=str(made.folder.resolve()), identity=identity),
        identity=identity,
        message=f"{made.packages} packages, {'made now' if made.made else 'from the cache'}",
        platforms=served,
    )


def _from_stage(
    options: DockerfilePlace.Options, bases: Mapping[str, Base], needed: frozenset[str], context: SupplyContext
) -> Found[Supply]:
    """A stage of the cell's Dockerfile makes it; here we see that there is something to start from."""
    below = try_in_order(places_of(options.on, bases, needed=needed, context=context), platforms=needed)
    if below.found is None:
        raise SupplyError(f"no base {options.on}, tried: {below.why_not}")
    served = below.found.platforms
    if not options.cross:
        served = (served if served is not None else needed) - CROSS.keys()
        if not needed & served:
            raise SupplyError(f"its template makes nothing for {', '.join(sorted(needed))}")
    identity = below.found.identity
    return Found(
        what=Supply(context="", on=(options.on, below.found.what), identity=identity),
        identity=identity,
        message=f"built on {options.on} ({below.attempts[-1].place})",
        platforms=served,
    )
