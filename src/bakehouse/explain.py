"""Why a cell is what it is: each value, and the file and line it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bakehouse.config import MATRIX_FILE, Project
from bakehouse.errors import InputError, Where
from bakehouse.mistakes import suggest
from bakehouse.model.cell import Cell, Excluded, Resolution
from bakehouse.yamlfile import KeyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """One value of a cell and where it stands."""

    what: str
    value: str
    where: Where | None
    """None: nobody wrote it, it is the default."""


def explain(name: str, project: Project, resolution: Resolution, *, out: Console) -> None:
    """Print a cell or an exclusion. Raises InputError with a suggestion when there is no such name."""
    found = find(name, resolution)
    if isinstance(found, Excluded):
        _explain_exclusion(found, project, out)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("what", "value", "from"):
        table.add_column(heading, overflow="fold", min_width=20)
    for origin in origins(found, project):
        place = _place(origin.where) if origin.where else "by default"
        table.add_row(Text(origin.what), Text(origin.value), Text(place, style="dim"))
    out.print(Text(found.name, style="bold"))
    out.print(table)


def find(name: str, resolution: Resolution) -> Cell | Excluded:
    """The combination with this name. Raises InputError with a suggestion."""
    known: dict[str, Cell | Excluded] = {cell.name: cell for cell in resolution.cells}
    known |= {item.name: item for item in resolution.excluded}
    if name not in known:
        raise InputError(f"there is no cell {name!r}", hint=suggest(name, list(known)))
    return known[name]


def _explain_exclusion(found: Excluded, project: Project, out: Console) -> None:
    link = f" ({found.link})" if found.link else ""
    out.print(Text.assemble((found.name, "bold"), f" is excluded: {found.reason}{link}"), soft_wrap=True)
    if found.rule.startswith("exclude["):
        index = int(found.rule.removeprefix("exclude[").removesuffix("]"))
        out.print(
            f"  by {_place(project.documents[MATRIX_FILE].where(('exclude', index)))}", style="dim", highlight=False
        )
    else:
        out.print(f"  by the rule {found.rule}", style="dim", highlight=False)


def origins(cell: Cell, project: Project) -> Iterator[Origin]:
    """Every value that decides what the image is, in the order in which the Dockerfile uses them."""
    recipe_file = f"recipes/{cell.at.recipe}/recipe.yaml"
    matrix = project.world.matrix

    def origin(what: str, value: object, file: str, path: KeyPath) -> Origin:
        document = project.documents[file]
        return Origin(what=what, value=_text(value), where=document.where(path) if path in document.marks else None)

    yield origin("recipe", cell.recipe.summary, recipe_file, ("summary",))
    yield origin("template", cell.recipe.template, recipe_file, ("template",))
    for axis in ("accelerator", "toolkit", "arch", "flag_set", "platform"):
        value = getattr(cell.at, axis)
        if value is not None:
            yield origin(
                axis.replace("_", " "), value, MATRIX_FILE, ("axes", axis, getattr(matrix.axes, axis).index(value))
            )
    for use, name in (
        ("host base", cell.host_base),
        ("build base", cell.build_base),
        ("runtime base", cell.runtime_base),
    ):
        yield origin(use, name, MATRIX_FILE, ("bases", name))
    source = matrix.sources[cell.recipe.build.source]
    yield origin(
        "source",
        f"{cell.recipe.build.source} {source.revision[:9]}",
        MATRIX_FILE,
        ("sources", cell.recipe.build.source, "revision"),
    )
    yield origin("build packages", cell.recipe.build.packages, recipe_file, ("build", "packages"))
    yield from _options(cell, project, recipe_file)
    for index, row in enumerate(cell.recipe.build.cpu_variants):
        if row.platform == cell.at.platform:
            yield origin("CPU variants", row.variants, recipe_file, ("build", "cpu_variants", index, "variants"))
    runtime = cell.recipe.runtime
    for key in ("packages", "user", "port", "entrypoint", "size_budget"):
        yield origin(key.replace("_", " "), getattr(runtime, key), recipe_file, ("runtime", key))
    for key, value in runtime.env.items():
        yield origin(f"env {key}", value, recipe_file, ("runtime", "env", key))


def _options(cell: Cell, project: Project, recipe_file: str) -> Iterator[Origin]:
    build, document = cell.recipe.build, project.documents[recipe_file]
    for group, title in (("cmake", ""), ("host_cmake", " for the host part"), ("plugin_cmake", " for plugins")):
        for option, value in getattr(build, group).items():
            yield Origin(what=f"-D{option}{title}", value=value, where=document.where(("build", group, option)))
    owner: str | None = cell.at.flag_set
    seen: set[str] = set()
    while owner:
        row = project.world.matrix.flag_sets[owner]
        for option in [option for option in row.cmake if option not in seen]:
            where = project.documents[MATRIX_FILE].where(("flag_sets", owner, "cmake", option))
            yield Origin(what=f"-D{option} of {owner}", value=row.cmake[option], where=where)
        seen |= row.cmake.keys()
        owner = row.extends


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _place(where: Where) -> str:
    name = where.file.rpartition("/")[2]
    return f"{name}:{where.line}" if where.line else name
