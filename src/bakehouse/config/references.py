"""Checks references between the files: names that nothing defines, then rows that contradict themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bakehouse.catalogue.accelerators import ACCELERATORS
from bakehouse.config.contradictions import contradictions
from bakehouse.config.input_error import MATRIX, input_error, repeated
from bakehouse.config.suggest import suggest
from bakehouse.errors import InputError, InputErrors, Where
from bakehouse.model.build import CMakeBuild, ImageBuild, Prebuilt, Published, WheelsBuild
from bakehouse.model.cell import COMPILED_AS_IS, World
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.fleet import HERE, FleetHost
from bakehouse.model.matrix import Arch, Matrix, Toolkit
from bakehouse.model.places import ConvertedPlace, DockerfilePlace
from bakehouse.model.recipe import Recipe
from bakehouse.servers import SERVERS

PROCESSOR = "cpu"
"""As the name of a card."""


def check_references(world: World) -> None:
    """Every name that is used is defined, and no row contradicts itself. Raises InputErrors with all that is wrong."""
    errors = [*_undefined(world)]
    if not world.recipes:
        errors.append(
            InputError(
                "there is no recipe",
                hint="Add recipes/NAME/recipe.yaml, or name one that ships: `recipes: [embedder]` in matrix.yaml.",
                where=Where(file="recipes/"),
            )
        )
    errors = errors or [*contradictions(world.matrix)]
    if errors:
        raise InputErrors(errors)


# ---------------------------------------------------------------------------------------------- names


def _undefined(world: World) -> Iterator[InputError]:
    matrix = world.matrix
    yield from _axes(matrix)
    for name, flag_set in matrix.flag_sets.items():
        yield from _unknown(flag_set.recipes, world.recipes, "recipes", "flag_sets", name, "recipes")
        for served in flag_set.recipes:
            if flag_set.compiles and served in world.recipes and world.recipes[served].cmake is None:
                message = f"its options are for a build from source, and {served} is not compiled"
                yield input_error(message, "flag_sets", name, "recipes")
        if flag_set.extends:
            yield from _unknown([flag_set.extends], matrix.flag_sets, "flag_sets", "flag_sets", name, "extends")
    for name, model in matrix.models.items():
        yield from _unknown(model.beside, matrix.models, "models", "models", name, "beside")
        origins = [place.converted.model for place in model.places if isinstance(place, ConvertedPlace)]
        yield from _unknown(origins, matrix.models, "models", "models", name, "places")
        for origin in origins:
            if any(isinstance(place, ConvertedPlace) for place in getattr(matrix.models.get(origin), "places", ())):
                message = f"{origin} is itself converted; name the GGUF that it is made of"
                yield input_error(message, "models", name, "places")
    yield from _contexts(matrix)
    yield from _bases(matrix)
    yield from _toolkits(matrix)
    yield from _archs(matrix)
    yield from _exclude(world)
    yield from _double_gpu_names(matrix)
    yield from _hosts(matrix)
    for name, recipe in world.recipes.items():
        yield from _recipe(name, recipe, matrix)


def _axes(matrix: Matrix) -> Iterator[InputError]:
    axes = matrix.axes
    yield from _unknown(axes.flag_set, matrix.flag_sets, "flag_sets", "axes", "flag_set")
    yield from _unknown(axes.toolkit, matrix.toolkits, "toolkits", "axes", "toolkit")
    yield from _unknown(axes.arch, _arch_values(matrix), "archs", "axes", "arch")
    for axis in ("accelerator", "flag_set", "platform", "toolkit", "arch"):
        for value in repeated(getattr(axes, axis)):
            yield input_error(f"{value!r} is listed twice", "axes", axis)


RESERVED = {"scratch": "Docker's word for an empty base", "recipe": "the context with the recipe's folder"}
"""What no base and no source can be called."""


def _contexts(matrix: Matrix) -> Iterator[InputError]:
    """Bases and sources are contexts of one build, by their names."""
    for section, names in (("bases", matrix.bases), ("sources", matrix.sources)):
        for name in RESERVED.keys() & names.keys():
            yield input_error(f"{name!r} is {RESERVED[name]}", section, name, hint="Give it another name.")
    for name in matrix.bases.keys() & matrix.sources.keys():
        yield input_error(
            f"{name!r} is the name of a base, too", "sources", name, hint="Give one of them another name."
        )


def _bases(matrix: Matrix) -> Iterator[InputError]:
    for name, base in matrix.bases.items():
        for index, place in enumerate(base.places):
            if isinstance(place, DockerfilePlace):
                yield from _unknown(
                    [place.dockerfile.on], matrix.bases, "bases", "bases", name, "places", index, "dockerfile", "on"
                )


def _toolkits(matrix: Matrix) -> Iterator[InputError]:
    for name, toolkit in matrix.toolkits.items():
        yield from _unknown([toolkit.build_base], matrix.bases, "bases", "toolkits", name, "build_base")
        if toolkit.runtime_base:
            yield from _unknown([toolkit.runtime_base], matrix.bases, "bases", "toolkits", name, "runtime_base")
        if toolkit.known_bad:
            yield from _unknown(toolkit.known_bad.archs, matrix.archs, "archs", "toolkits", name, "known_bad", "archs")


def _archs(matrix: Matrix) -> Iterator[InputError]:
    for name, arch in matrix.archs.items():
        yield from _unknown(arch.runs, matrix.archs, "archs", "archs", name, "runs")
    for name, group in matrix.arch_groups.items():
        yield from _unknown(group.archs, matrix.archs, "archs", "arch_groups", name, "archs")
        if group.ptx:
            yield from _unknown([group.ptx], matrix.archs, "archs", "arch_groups", name, "ptx")
    for name, gpu in matrix.gpus.items():
        if gpu.arch:
            yield from _unknown([gpu.arch], matrix.archs, "archs", "gpus", name, "arch")


def _exclude(world: World) -> Iterator[InputError]:
    """An entry about something that does not exist would exclude nothing, unnoticed."""
    matrix = world.matrix
    known: dict[str, Mapping[str, object]] = {
        "recipe": world.recipes,
        "accelerator": {str(name): name for name in ACCELERATORS},
        "toolkit": matrix.toolkits,
        "arch": _arch_values(matrix),
        "flag_set": matrix.flag_sets,
        "platform": dict.fromkeys(matrix.axes.platform),
    }
    sections = {"recipe": "recipes", "accelerator": "accelerators", "platform": "platform axis"}
    for index, entry in enumerate(matrix.exclude):
        for key, value in entry.when.items():
            section = sections.get(key, f"{key}s")
            yield from _unknown([value], known[key], section, "exclude", index, "when", key)


def _double_gpu_names(matrix: Matrix) -> Iterator[InputError]:
    owner: dict[str, str] = {}
    for name, gpu in matrix.gpus.items():
        for word in (name, *gpu.aliases):
            if word in owner:
                yield input_error(f"the name {word!r} already belongs to {owner[word]}", "gpus", name)
            owner.setdefault(word, name)


def _hosts(matrix: Matrix) -> Iterator[InputError]:
    known = {PROCESSOR: None, **dict.fromkeys(name for row in matrix.gpus.values() for name in row.aliases)}
    for name, host in matrix.hosts.items():
        for card in host.cards:
            yield from _unknown([card], {**matrix.gpus, **known}, "gpus", "hosts", name, "cards")
        yield from _platform_of_cards(name, host, matrix)
        if host.is_here and name != HERE:
            hint = f"Say how its engine is reached: context or ssh. The machine that builds is called {HERE}."
            yield input_error("has no address", "hosts", name, hint=hint)
        if name == HERE and not host.is_here:
            hint = "Give the other machine another name."
            yield input_error(f"{HERE} is the machine that builds, and has no address", "hosts", name, hint=hint)


def _platform_of_cards(name: str, host: FleetHost, matrix: Matrix) -> Iterator[InputError]:
    """A card that comes in machines of one platform only, in one of another."""
    rows = [(card, row) for card in host.cards for own, row in matrix.gpus.items() if card in (own, *row.aliases)]
    platform = host.platform or next((row.platform for _, row in rows), COMPILED_AS_IS)
    for card, row in rows:
        if row.platform not in (platform, COMPILED_AS_IS):
            yield input_error(
                f"{card} comes in {row.platform} machines, and this one is {platform}",
                *("hosts", name, "cards"),
                hint="Give each machine a row of its own.",
            )


def _recipe(name: str, recipe: Recipe, matrix: Matrix) -> Iterator[InputError]:
    file = f"recipes/{name}/recipe.yaml"
    build = recipe.build
    if isinstance(build, CMakeBuild):
        yield from _unknown([build.source], matrix.sources, "sources", "build", "source", file=file)
        if build.cpu_variants and SERVERS[recipe.server].plugins is None:
            known = " or ".join(family for family, server in SERVERS.items() if server.plugins)
            message = f"nothing is known of the plugins of a server of the family {recipe.server}"
            yield input_error(message, "build", "cpu_variants", hint=f"server: {known}, or leave them out.", file=file)
    else:
        for accelerator, part in build.backends.items():
            yield from _prebuilt(accelerator, part, matrix, file)
    if not isinstance(build, ImageBuild):
        yield from _unknown([build.base], matrix.bases, "bases", "build", "base", file=file)
    if isinstance(build, WheelsBuild):
        for accelerator, wheels in build.backends.items():
            named = [wheels.base] if wheels.base else []
            yield from _unknown(named, matrix.bases, "bases", "build", "backends", accelerator, "base", file=file)
    if recipe.probes.model:
        yield from _unknown([recipe.probes.model], matrix.models, "models", "probes", "model", file=file)
    if recipe.probes.throughput:
        yield from _unknown(
            [recipe.probes.throughput.model], matrix.models, "models", "probes", "throughput", "model", file=file
        )
    yield from _not_to_be_measured(recipe, file)


def _not_to_be_measured(recipe: Recipe, file: str) -> Iterator[InputError]:
    """What is asked to be measured of a family of servers that cannot do it."""
    probes, server = recipe.probes, SERVERS[recipe.server]
    if probes.throughput and server.api is None:
        able = " or ".join(f"server: {each}" for each, other in SERVERS.items() if other.api)
        hint = f"Write {able} if it is one. What a server does request by request is declared in probes.work."
        message = f"rates of tokens cannot be measured of {server.title} (server: {recipe.server})"
        yield input_error(message, "probes", "throughput", hint=hint, file=file)
    if probes.work and not probes.served_model and not server.serves_without_model:
        hint = "Name one of the matrix's models in probes.model."
        message = f"{server.title} (server: {recipe.server}) serves nothing without a model, and none is named"
        yield input_error(message, "probes", "work", hint=hint, file=file)


def _prebuilt(accelerator: AcceleratorName, part: Prebuilt, matrix: Matrix, file: str) -> Iterator[InputError]:
    path = ("build", "backends", str(accelerator))
    if isinstance(part, Published):
        yield from _unknown([part.base], matrix.bases, "bases", *path, "base", file=file)
    yield from _unknown(part.toolkits, matrix.toolkits, "toolkits", *path, "toolkits", file=file)
    for key, archs in (("archs", part.archs), ("codes", tuple(part.codes)), ("ptx", (part.ptx,) if part.ptx else ())):
        yield from _unknown(archs, matrix.archs, "archs", *path, key, file=file)
    rows: dict[str, Toolkit | Arch] = {**matrix.toolkits, **matrix.archs}
    for name in (one for one in (*part.toolkits, *part.archs) if one in rows and rows[one].accelerator != accelerator):
        yield input_error(f"{name} is not of {accelerator}", *path, file=file)
    needs = ACCELERATORS[accelerator]
    if needs.needs_toolkit and not part.toolkits:
        hint = f"Name the one that it was compiled with: its driver is promised. There is: {_of(accelerator, matrix)}."
        yield input_error(f"{accelerator} needs toolkits", *path, hint=hint, file=file)
    if needs.needs_arch and not part.archs:
        hint = "Name those that it holds native code for, or --gpu will not find its cells."
        yield input_error(f"{accelerator} needs archs", *path, hint=hint, file=file)


def _of(accelerator: AcceleratorName, matrix: Matrix) -> str:
    return ", ".join(name for name, row in matrix.toolkits.items() if row.accelerator is accelerator) or "none"


def _unknown(
    names: Sequence[str], known: Mapping[str, object], section: str, *path: str | int, file: str = MATRIX
) -> Iterator[InputError]:
    for name in names:
        if name not in known:
            hint = suggest(name, list(known)) if known else f"The matrix has no {section} yet."
            yield input_error(f"{name!r} is not in the matrix's {section}", *path, hint=hint, file=file)


def _arch_values(matrix: Matrix) -> dict[str, object]:
    """What the arch axis may name."""
    return {**matrix.archs, **matrix.arch_groups}
