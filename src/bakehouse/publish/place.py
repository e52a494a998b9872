"""The registries of one command: opened, with this machine's own where the policy names none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bakehouse.model.publish import Publish
from bakehouse.pipeline.context import Context
from bakehouse.publish.destination import Destination, destination
from bakehouse.publish.local_registry import local_registry
from bakehouse.registry.location import is_loopback
from bakehouse.registry.opening import Registries
from bakehouse.registry.store import Store

OFFLINE = "BAKEHOUSE_OFFLINE"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishPlace:
    registries: Registries
    policy: Publish
    to: str | None
    local: str | None
    """Host of this machine's registry, where it was started."""
    recipes: tuple[str, ...]

    def destination(self, recipe: str) -> Destination:
        return destination(recipe, policy=self.policy, to=self.to, local=self.local, recipes=self.recipes)

    def stores(self, recipe: str) -> tuple[Store, Store | None]:
        """Target and staging. Raises InputError."""
        found = self.destination(recipe)
        target = self.registries.open(found.target, image_name=f"bakehouse/{recipe}")
        return target, self.registries.open(found.staging) if found.staging else None

    @property
    def is_on_this_machine(self) -> bool:
        """No other machine pulls from it."""
        targets = [self.destination(recipe).target for recipe in self.recipes]
        return all(target.kind != "registry" or is_loopback(target.host) for target in targets)


@contextmanager
def open_place(context: Context, policy: Publish, *, to: str | None, recipes: Sequence[str]) -> Iterator[PublishPlace]:
    """Raises InputError and InfrastructureError."""
    with ExitStack() as stack:
        local = None
        if not to and not policy.repository:
            local = stack.enter_context(local_registry(context.cache, context.environ, context.say).running())
            context.say(f"matrix.yaml names no registry: using this machine's own, {local}")
        registries = Registries(context.environ)
        stack.callback(registries.close)
        yield PublishPlace(
            registries=registries, policy=policy, to=to, local=local, recipes=tuple(sorted(set(recipes)))
        )


def is_offline(context: Context) -> bool:
    return context.environ.get(OFFLINE, "") not in ("", "0")


def vulnerability_database(context: Context, policy: Publish) -> Path | None:
    """The file that the environment names, else the policy."""
    if named := context.environ.get("BAKEHOUSE_VULNERABILITIES"):
        return Path(named).expanduser()
    return context.root / policy.vulnerability_database if policy.vulnerability_database else None
