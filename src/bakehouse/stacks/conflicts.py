"""Conflicts between a stack's file and what bakehouse decides itself, and between a machine's file and its cards. Pure.

Without these checks, one of two values would win in silence: an argument beside the one that we give, a card for a
service that computes on the processor, a folder over which another one is mounted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from bakehouse.errors import InputError
from bakehouse.formatting import size_in_bytes
from bakehouse.model.cell import Resolution, World
from bakehouse.model.recipe import Recipe
from bakehouse.model.stack import CardShare, Service, Stack
from bakehouse.model.stack_host import HostCard, HostFile
from bakehouse.servers import SERVERS
from bakehouse.servers.deployment import DEPLOYMENTS
from bakehouse.stacks.gateway import VARIABLES
from bakehouse.stacks.loaded import HOST, STACK, wrong
from bakehouse.stacks.plan import CONTAINER_MODELS
from bakehouse.stacks.vendors import RENDER_NODE, VENDORS, Vendor

_TMP = "/tmp"  # noqa: S108 - a folder in the container
_OF_THE_KERNEL = ("/proc", "/sys", "/dev")
_SHM = "/dev/shm"  # noqa: S108 - a folder in the container
_NO_CARD = CardShare()


def check_conflicts(stack: Stack, host: HostFile | None, world: World, resolution: Resolution) -> list[InputError]:
    """Every one, in the order of the file. Names are known to exist."""
    errors: list[InputError] = []
    for name, service in stack.services.items():
        recipe = _recipe(service, world, resolution)
        errors += _image(name, service, resolution)
        errors += _card(name, service, host)
        errors += _words(name, service, recipe, host)
        errors += _variables(name, service, recipe, host, stack)
        errors += _model(name, service, recipe)
        errors += _folders(name, service)
        errors += _shared_memory(name, service)
    errors += _front(stack)
    errors += _profiles(stack)
    errors += _load(stack, world, resolution)
    errors += _cards(host, world) if host else ()
    return errors


def _recipe(service: Service, world: World, resolution: Resolution) -> Recipe:
    if service.recipe:
        return world.recipes[service.recipe]
    return next(cell.recipe for cell in resolution.cells if cell.name == service.cell)


def _image(name: str, service: Service, resolution: Resolution) -> Iterator[InputError]:
    cell = next((one for one in resolution.cells if one.name == service.cell), None)
    if cell and service.accelerator not in ("any", cell.at.accelerator.value):
        yield wrong(
            f"{cell.name} is an image for {cell.at.accelerator}, and accelerator says {service.accelerator}",
            *("services", name, "accelerator"),
            hint="Take out accelerator: the cell has one.",
        )


def _card(name: str, service: Service, host: HostFile | None) -> Iterator[InputError]:
    """Of a service that computes on the processor."""
    given = host.services.get(name) if host else None
    if service.accelerator != "cpu":
        if given and given.cards is not None and len(given.cards) != service.card.count:
            yield wrong(
                f"{name} wants {service.card.count} of the cards, and is placed on {len(given.cards)}",
                *("services", name, "cards"),
                hint="Name as many cards as card.count in the stack says.",
                file=HOST,
            )
        return
    if service.card != _NO_CARD:
        yield wrong(
            f"{name} computes on the processor and takes nothing of a card",
            *("services", name, "card"),
            hint="Take out card, or accelerator: cpu. The limit of its container is memory.",
        )
    for key in ("cards", "memory"):
        if given and getattr(given, key) is not None:
            yield wrong(
                f"{name} computes on the processor (accelerator: cpu in the stack), and {key} is of a card",
                *("services", name, key),
                hint="Take it out here, or accelerator: cpu there.",
                file=HOST,
            )


def _words(name: str, service: Service, recipe: Recipe, host: HostFile | None) -> Iterator[InputError]:
    """Arguments that bakehouse gives itself, in either file."""
    given = host.services.get(name) if host else None
    places = [(service.args, STACK)] + ([(given.args, HOST)] if given and given.args else [])
    port = recipe.start.port or SERVERS[recipe.server].port
    told, family = recipe.start.model or SERVERS[recipe.server].model, DEPLOYMENTS[recipe.server]
    for args, file in places:
        for index, word in enumerate(args):
            option = word.partition("=")[0]
            at = ("services", name, "args", index)
            if option == port.argument:
                yield _ours(option, name, *at, instead="port: NUMBER", file=file)
            elif service.model and option in (told.argument, *family.model_options):
                yield _ours(option, name, *at, instead="model", file=file)


def _variables(
    name: str, service: Service, recipe: Recipe, host: HostFile | None, stack: Stack
) -> Iterator[InputError]:
    """Variables that bakehouse gives itself, in either file."""
    given = host.services.get(name) if host else None
    port = recipe.start.port or SERVERS[recipe.server].port
    told = recipe.start.model or SERVERS[recipe.server].model
    ours = {port.environment: "port: NUMBER", **({told.environment: "model"} if service.model else {})}
    if stack.gateway and stack.gateway.service == name:
        ours |= dict.fromkeys(VARIABLES, "gateway")
    for env, file in ((service.env, STACK), (given.env if given else {}, HOST)):
        for variable in env:
            if variable in ours:
                yield _ours(variable, name, "services", name, "env", variable, instead=ours[variable], file=file)


def _ours(what: str, name: str, *at: str | int, instead: str, file: str) -> InputError:
    return wrong(
        f"{what} of {name} is given by bakehouse, which must know it",
        *at,
        hint=f"Write {instead} in the stack instead.",
        file=file,
    )


def _model(name: str, service: Service, recipe: Recipe) -> Iterator[InputError]:
    """A family that reads one kind of file gets no other."""
    suffix = DEPLOYMENTS[recipe.server].model_suffix
    model = service.model
    if model is None or suffix is None:
        return
    if model.folder:
        yield wrong(
            f"{name} serves a file, {suffix}, and no folder",
            *("services", name, "model", "folder"),
            hint=f"Write file: PATH{suffix}.",
        )
    if model.file and not model.file.endswith(suffix):
        yield wrong(f"{name} serves a file that ends with {suffix}", "services", name, "model", "file")


def _folders(name: str, service: Service) -> Iterator[InputError]:
    """What is mounted where something of ours, or of the kernel, is."""
    for key, targets in (("files", service.files), ("keeps", service.keeps)):
        for target in targets:
            if why := _taken(PurePosixPath(target), service):
                yield wrong(f"{target} of {name} is {why}", "services", name, key, target, hint="Give it another path.")


def _taken(target: PurePosixPath, service: Service) -> str | None:
    if target == PurePosixPath(CONTAINER_MODELS) and service.model:
        return "the folder that its model is mounted in"
    if target == PurePosixPath(_TMP):
        return "memory (a tmpfs) for every service"
    own = [folder for folder in _OF_THE_KERNEL if target.is_relative_to(folder)]
    return f"the kernel's: {own[0]}" if own and not target.is_relative_to(_SHM) else None


def _shared_memory(name: str, service: Service) -> Iterator[InputError]:
    """What processes share is memory of their container."""
    if service.shm and service.memory and size_in_bytes(service.shm) >= size_in_bytes(service.memory):
        yield wrong(
            f"{name} shares {service.shm} between its processes, and may use {service.memory} of memory for all",
            *("services", name, "shm"),
            hint="Raise memory, which holds both, or lower shm.",
        )


def _profiles(stack: Stack) -> Iterator[InputError]:
    """What must run, and is started only when somebody asks for it."""
    if all(service.profile for service in stack.services.values()):
        yield wrong("every service has a profile, so that nothing is started", "services")
        return
    named = {"gateway": stack.gateway.service if stack.gateway else None, "metrics": stack.metrics.service}
    for key, name in named.items():
        if name and (profile := stack.services[name].profile):
            yield wrong(f"{name} is started only with the profile {profile}", key, "service", hint="Take out profile.")


def _front(stack: Stack) -> Iterator[InputError]:
    """Who routes or watches serves no model itself: then the wrong service was named."""
    named = {
        "gateway": (stack.gateway.service if stack.gateway else None, "leads requests to the others"),
        "metrics": (stack.metrics.service, "gathers the figures of the others"),
    }
    for key, (name, does) in named.items():
        if name and (stack.services[name].model or stack.services[name].serves):
            yield wrong(f"{name} serves a model, so it is not what {does}", key, "service")


def _load(stack: Stack, world: World, resolution: Resolution) -> Iterator[InputError]:
    routes: Iterable[str] = stack.gateway.routes if stack.gateway else ()
    recipes = [_recipe(stack.services[name], world, resolution) for name in routes]
    if stack.load and stack.gateway and not any(SERVERS[recipe.server].api for recipe in recipes):
        yield wrong(
            "the load is a conversation, and no service behind the gateway answers one",
            "load",
            hint="Take out load, or route to a language model.",
        )


# ---------------------------------------------------------------------------------------------- the machine


def _cards(host: HostFile, world: World) -> Iterator[InputError]:
    """What one card of a machine's file says against another, or against what its vendor's cards can."""
    ids: dict[str, int] = {}
    nodes: dict[str, int] = {}
    for index, card in enumerate(host.cards):
        row = world.matrix.gpus.get(card.gpu)
        vendor = VENDORS.get(row.accelerator) if row else None
        if vendor is None:
            continue
        yield from _abilities(index, card, vendor)
        if vendor.cdi:
            yield from _once(ids, card.id or str(index), index, "id", is_written=card.id is not None)
        if vendor.render:
            yield from _once(nodes, card.render or RENDER_NODE, index, "render", is_written=card.render is not None)


def _once(taken: dict[str, int], value: str, index: int, key: str, *, is_written: bool) -> Iterator[InputError]:
    if value in taken:
        meant = "" if is_written else f", which card {index} has where nothing else is written,"
        path: tuple[str | int, ...] = ("cards", index, key) if is_written else ("cards", index)
        yield wrong(
            f"the {key} {value!r}{meant} is card {taken[value]}'s already",
            *path,
            hint=f"Write the {key} of each card.",
            file=HOST,
        )
    taken.setdefault(value, index)


def _abilities(index: int, card: HostCard, vendor: Vendor) -> Iterator[InputError]:
    if card.sharing not in vendor.sharing:
        able = ", ".join(name for name in vendor.sharing if name != "mig")
        yield wrong(
            f"cards of {vendor.name} are not shared by {card.sharing}",
            *("cards", index, "sharing"),
            hint=f"There is: {able}.",
            file=HOST,
        )
    if card.mig and "mig" not in vendor.sharing:
        yield wrong(f"cards of {vendor.name} have no MIG instances", "cards", index, "mig", file=HOST)
    elif card.mig and not card.memory:
        yield wrong(
            f"a MIG instance has a part of the memory of {card.gpu}, and nothing says how much",
            *("cards", index, "mig"),
            hint="Write memory: SIZE, as nvidia-smi -L and nvidia-smi mig -lgi show it.",
            file=HOST,
        )
    elif card.mig and not (card.id and (card.id.startswith("MIG-") or ":" in card.id)):
        yield wrong(
            f"{card.id or index} names the whole {card.gpu}, and not its instance {card.mig}",
            *("cards", index, "mig"),
            hint="Write id: as nvidia-smi -L shows the instance, MIG-..., or CARD:INSTANCE.",
            file=HOST,
        )
