"""Names that a Dockerfile's stages and the contexts of its bake target share: a context takes the place of a stage."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bakehouse.errors import InputError, Where
from bakehouse.model.build import CMakeBuild
from bakehouse.model.cell import Cell

RECIPE = "recipe"
"""The context with the recipe's folder."""
_STAGE = re.compile(r"^FROM[ \t]+(?:--\S+[ \t]+)*\S+[ \t]+AS[ \t]+(\S+)", re.IGNORECASE | re.MULTILINE)


def stages(text: str) -> list[str]:
    """Names of the stages of a Dockerfile, in their order."""
    return [name.lower() for name in _STAGE.findall(text)]


def require_own_names(text: str, made: Sequence[str], cell: Cell) -> None:
    """Raise InputError where a base or a source has the name of a stage, which it would silently replace.

    `made`: the stages that make bases, whose place a context is meant to take.
    """
    own = set(stages(text)) - {name for stage in made for name in stages(stage)}
    build = cell.recipe.build
    sources = (build.source,) if isinstance(build, CMakeBuild) else ()
    for section, names in (("bases", cell.bases), ("sources", sources)):
        for name in names:
            if name in own:
                raise InputError(
                    f"{cell.name}: the template {cell.recipe.template} has a stage that is called {name!r} as well",
                    hint="It would be taken for that stage: give it another name.",
                    where=Where(file="matrix.yaml", path=(section, name)),
                )
