"""Why a cell is what it is: each value, and the file and line it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bakehouse.config.layout import MATRIX_FILE
from bakehouse.config.load import Project
from bakehouse.config.suggest import suggest
from bakehouse.config.yaml_document import KeyPath
from bakehouse.errors import InputError, Where
from bakehouse.model.build import CMakeBuild, WheelsBuild
from bakehouse.model.cell import Cell, Excluded, Resolution
from bakehouse.model.matrix import Matrix
from bakehouse.planning.driver_floors import demands, highest
from bakehouse.planning.installed import installed, lock_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """One value of a cell and where it stands."""

    what: str
    value: str
    where: Where | None
    """None: it is not written, it is the default."""


_TOOLKIT_WORDS = {
    "version": "toolkit's version",
    "driver_floor": "driver, all features",
    "driver_floor_minor": "driver, native code",
    "gcc": "host compiler",
}


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
    known |= {item.name: item for item in (*resolution.excluded, *resolution.never)}
    if name not in known:
        raise InputError(f"there is no cell {name!r}", hint=suggest(name, list(known)))
    return known[name]


def _explain_exclusion(found: Excluded, project: Project, out: Console) -> None:
    out.print(Text.assemble((found.name, "bold"), f" is excluded: {found.reason}"), soft_wrap=True)
    if found.rule.startswith("exclude["):
        index = int(found.rule.removeprefix("exclude[").removesuffix("]"))
        by = _place(project.documents[MATRIX_FILE].where(("exclude", index)))
    else:
        by = f"the rule {found.rule}"
    for heading, value in (("by", by), ("source", found.link), ("nearest", found.nearest)):
        if value:
            out.print(Text(f"  {heading + ':':9}{value}", style="dim"), soft_wrap=True)


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
            yield origin(axis.replace("_", " "), value, *_axis(cell, axis, value, matrix, recipe_file))
    yield from _hardware(cell, project)
    for use, name in (
        ("host base", cell.host_base),
        ("build base", cell.build_base),
        ("runtime base", cell.runtime_base),
    ):
        yield origin(use, name, MATRIX_FILE, ("bases", name))
    yield origin("kind of build", cell.recipe.build.kind, recipe_file, ("build", "kind"))
    yield from _built(cell, project, recipe_file)
    runtime = cell.recipe.runtime
    for key in ("packages", "user", "port", "entrypoint", "size_budget"):
        yield origin(key.replace("_", " "), getattr(runtime, key), recipe_file, ("runtime", key))
    for key, value in runtime.env.items():
        yield origin(f"env {key}", value, recipe_file, ("runtime", "env", key))
    yield from _backend(cell, project, recipe_file)


def _axis(cell: Cell, axis: str, value: str, matrix: Matrix, recipe_file: str) -> tuple[str, KeyPath]:
    """Where the value of an axis was asked for: on the axis, or in the recipe."""
    if axis == "toolkit" and cell.prebuilt:
        return recipe_file, ("build", "backends", str(cell.at.accelerator), "toolkits")
    return MATRIX_FILE, ("axes", axis, getattr(matrix.axes, axis).index(value))


def _built(cell: Cell, project: Project, recipe_file: str) -> Iterator[Origin]:
    """What it is made from, for each kind of build."""
    build, document = cell.recipe.build, project.documents[recipe_file]

    def origin(what: str, value: object, *path: str | int) -> Origin:
        return Origin(what=what, value=_text(value), where=document.where(path) if path in document.marks else None)

    content = installed(cell, project.world)
    if isinstance(build, CMakeBuild):
        where = project.documents[MATRIX_FILE].where(("sources", build.source, "revision"))
        yield Origin(what="source", value=f"{build.source} {content.revision[:9]}", where=where)
        yield origin("build packages", build.packages, "build", "packages")
        yield from _options(build, cell, project, recipe_file)
        for index, row in enumerate(build.cpu_variants):
            if row.platform == cell.at.platform:
                yield origin("CPU variants", row.variants, "build", "cpu_variants", index, "variants")
    elif isinstance(build, WheelsBuild):
        lock = Where(file=f"recipes/{cell.at.recipe}/{lock_of(cell)}")
        yield Origin(what="requirements", value=content.revision, where=lock)
        own = ("version",) if build.version else ("package",)
        yield origin("version", content.version, "build", *own)
    else:
        where = project.documents[MATRIX_FILE].where(("bases", cell.runtime_base, "places"))
        yield Origin(what="published image", value=content.revision, where=where)


def _hardware(cell: Cell, project: Project) -> Iterator[Origin]:
    """The toolkit, each arch with the code that is compiled for it, and the archs that are left out."""
    document, matrix = project.documents[MATRIX_FILE], project.world.matrix

    def origin(what: str, value: object, path: KeyPath) -> Origin:
        return Origin(what=what, value=_text(value), where=document.where(path) if path in document.marks else None)

    if cell.toolkit and cell.at.toolkit:
        for key in ("version", "driver_floor", "driver_floor_minor", "gcc"):
            if (value := getattr(cell.toolkit, key)) is not None:
                by_row = value == getattr(matrix.toolkits[cell.at.toolkit], key)
                what = _TOOLKIT_WORDS[key]
                row = ("toolkits", cell.at.toolkit, key)
                yield origin(what, value, row) if by_row else _raised_floor(what, value, cell, project)
        for group in ("cmake", "env"):
            for key, value in getattr(cell.toolkit, group).items():
                name = f"-D{key}" if group == "cmake" else f"env {key}"
                yield origin(f"{name} of {cell.at.toolkit}", value, ("toolkits", cell.at.toolkit, group, key))
    for arch, code in zip(cell.archs, cell.codes, strict=True):
        path = ("archs", arch, "code") if matrix.archs[arch].code else ("archs", arch)
        runs = ", ".join(matrix.archs[arch].runs)
        yield origin(f"code for {arch}", f"{code}, runs on {runs} too" if runs else code, path)
    if cell.ptx and cell.at.arch:
        yield origin("PTX for later cards", cell.ptx, ("arch_groups", cell.at.arch, "ptx"))
    for left in cell.left_out:
        yield origin(f"left out: {left.arch}", left.reason, ("archs", left.arch))


def _raised_floor(what: str, value: str, cell: Cell, project: Project) -> Origin:
    """A driver floor that is newer than the toolkit's own: an arch or an option of the cell asks for it."""
    matrix, recipe_file = project.world.matrix, f"recipes/{cell.at.recipe}/recipe.yaml"
    assert cell.at.toolkit is not None
    toolkit = matrix.toolkits[cell.at.toolkit]
    by = highest(demands(toolkit, cell.archs, cell.backend, cell.flag_set, matrix))
    path: KeyPath = ("archs", by.name, "first_driver")
    if by.by == "option":
        path = ("build", "backends", str(cell.at.accelerator), "driver_demands")
    file = recipe_file if by.by == "option" else MATRIX_FILE
    document = project.documents[file]
    where = document.where(path) if path in document.marks else None
    return Origin(what=what, value=f"{value}: {by.reason}", where=where)


def _backend(cell: Cell, project: Project, recipe_file: str) -> Iterator[Origin]:
    """What the recipe says about the cell's accelerator."""
    part = cell.backend or cell.prebuilt
    if part is None:
        return
    document, path = project.documents[recipe_file], ("build", "backends", str(cell.at.accelerator))
    for field in type(part).model_fields:
        value = getattr(part, field)
        if isinstance(value, dict):
            for key, item in value.items():
                name = f"-D{key}" if field == "cmake" else f"{field} {key}"
                where = document.where((*path, field, key))
                yield Origin(what=f"{name} of the backend", value=_text(item), where=where)
        elif (*path, field) in document.marks:
            what = f"backend's {field.replace('_', ' ')}"
            yield Origin(what=what, value=_text(value), where=document.where((*path, field)))


def _options(build: CMakeBuild, cell: Cell, project: Project, recipe_file: str) -> Iterator[Origin]:
    document = project.documents[recipe_file]
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
