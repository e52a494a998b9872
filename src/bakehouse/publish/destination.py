"""Where the images of a recipe go. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bakehouse.errors import InputError
from bakehouse.model.publish import Publish
from bakehouse.registry.location import Location, parse

FIELD = "{recipe}"
STAGING = "-staging"


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    target: Location
    staging: Location | None
    """None: a folder needs none, since nothing pulls from it while it is written."""


def destination(
    recipe: str, *, policy: Publish, to: str | None, local: str | None, recipes: Sequence[str]
) -> Destination:
    """`to` replaces the policy's repository; `local` is the host of this machine's registry, where there is neither.

    Raises InputError for one place and several recipes, which would overwrite each other's tags.
    """
    pattern = to or policy.repository or f"{local}/{FIELD}"
    if FIELD not in pattern and len(recipes) > 1:
        raise InputError(
            f"{pattern} is one place, and the images are of {len(recipes)} recipes: {', '.join(recipes)}",
            hint=f"Write {FIELD} in it, or choose with --only.",
        )
    target = parse(pattern.replace(FIELD, recipe))
    if target.reference:
        raise InputError(f"{target} has a tag or a digest", hint="Name the repository: tags come from the policy.")
    if target.kind != "registry":
        return Destination(target=target, staging=None)
    staging = policy.staging if policy.staging and not to else f"{target.name}{STAGING}"
    return Destination(target=target, staging=parse(staging.replace(FIELD, recipe)))
