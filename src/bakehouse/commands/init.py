"""`init`: a new project in an empty folder, or copies of what ships with bakehouse in one that exists."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bakehouse.commands import starter_files
from bakehouse.config.layout import MATRIX_FILE, RECIPES, TEMPLATE_SUFFIX, TEMPLATES, ProjectLayout
from bakehouse.config.load import RECIPE_NAME, load_document
from bakehouse.config.suggest import suggest
from bakehouse.errors import ExitCode, InputError, InputErrors, Where
from bakehouse.pipeline.context import Context
from bakehouse.system import atomic_write

FIRST_RECIPE = "llama-server"
"""Of a new project, where no other is named."""
PLATFORMS = {"x86_64": "linux/amd64", "amd64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}
"""By what machines call themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    recipes: tuple[str, ...] = ()
    """Shipped recipes to copy."""
    templates: tuple[str, ...] = ()
    """Shipped templates to copy: `python-server`, or a file in dockerfiles/."""
    servers: tuple[str, ...] = ()
    """New recipes, each with a small Python server to begin with."""


def init(context: Context, options: Options) -> ExitCode:
    """Write what is asked for, and say the next command. Nothing is overwritten: where a file is in the way, nothing is
    written and InputErrors names it; a noxfile and a .gitignore that exist are left as they are.
    """
    layout = ProjectLayout(root=context.root)
    is_new = not os.path.lexists(layout.root / MATRIX_FILE)
    if not is_new and not (options.recipes or options.templates or options.servers):
        raise InputError("the file is there already", hint=_what_else(layout), where=Where(file=MATRIX_FILE))
    names = tuple(dict.fromkeys(options.recipes or ((FIRST_RECIPE,) if is_new and not options.servers else ())))
    folders = {name: _shipped_recipe(name, layout) for name in names}
    templates = dict.fromkeys(_shipped_template(name, layout) for name in options.templates)
    servers = [_new_recipe(name, layout) for name in dict.fromkeys(options.servers)]
    _refuse_to_overwrite([*(f"{RECIPES}/{name}" for name in (*names, *servers)), *templates], layout)
    copies = {
        f"{RECIPES}/{name}/{file.relative_to(folder).as_posix()}": file
        for name, folder in folders.items()
        for file in _files(folder)
    }
    copies |= {name: layout.shipped / name for name in templates}
    here = PLATFORMS.get(platform.machine().lower(), "linux/amd64")
    texts = _project_files(context, folders, layout, here=here) if is_new else {}
    for name in servers:
        texts |= starter_files.server(name, platform=here)
    for name, path in copies.items():
        (layout.root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, layout.root / name)
    for name, text in texts.items():
        (layout.root / name).parent.mkdir(parents=True, exist_ok=True)
        atomic_write.write(layout.root / name, text)
    for name in (*texts, *copies):
        context.say(f"wrote {name}")
    if not is_new:
        _say_missing_rows(context, folders, layout)
    _say_next(context, servers)
    return ExitCode.OK


def _project_files(
    context: Context, recipes: Mapping[str, Path], layout: ProjectLayout, *, here: str
) -> dict[str, str]:
    wanted = {starter_files.NOXFILE: starter_files.noxfile(), starter_files.GITIGNORE: starter_files.gitignore()}
    for name, text in wanted.items():
        if os.path.lexists(layout.root / name):
            lines = "; it should have these lines:\n" + text if name == starter_files.GITIGNORE else ""
            context.say(f"{name} is there already and stays as it is{lines}".rstrip())
    new = {name: text for name, text in wanted.items() if not os.path.lexists(layout.root / name)}
    return {MATRIX_FILE: starter_files.matrix(recipes, layout, platform=here), **new}


def _say_missing_rows(context: Context, recipes: Mapping[str, Path], layout: ProjectLayout) -> None:
    """A matrix is a file of people: what it lacks is printed, not written into it."""
    matrix = load_document(layout.root / MATRIX_FILE, root=layout.root).value
    for section, lines in starter_files.missing_rows(recipes, layout, have=matrix).items():
        context.say(f"{MATRIX_FILE} lacks what {', '.join(recipes)} needs; add below `{section}:`\n{lines}")


def _say_next(context: Context, servers: Sequence[str]) -> None:
    program = "bakehouse" if context.root == Path.cwd() else f"bakehouse --root {os.path.relpath(context.root)}"
    for name in servers:
        context.say(f"next: {program} lock --requirements {name}, then {program} build-matrix --recipe {name} --quick")
    if not servers:
        context.say(f"next: {program} plan, then {program} build-matrix --quick")


# ---------------------------------------------------------------------------------------------- what ships


def _shipped_recipe(name: str, layout: ProjectLayout) -> Path:
    shipped = layout.shipped_recipes()
    if name not in shipped:
        raise InputError(f"--recipe {name}: bakehouse ships no such recipe", hint=suggest(name, sorted(shipped)))
    return shipped[name]


def _new_recipe(name: str, layout: ProjectLayout) -> str:
    if not re.fullmatch(RECIPE_NAME, name):
        hint = "Lower-case letters, digits and '-': it becomes part of image names."
        raise InputError(f"--server {name}: this is no name for a recipe", hint=hint)
    if name in layout.shipped_recipes():
        raise InputError(f"--server {name}: a recipe of this name ships with bakehouse", hint="Choose another name.")
    return name


def _shipped_template(name: str, layout: ProjectLayout) -> str:
    """Its name from the project's folder: `dockerfiles/python-server.Dockerfile.j2`."""
    folder = layout.shipped / TEMPLATES
    known = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.j2"))
    short = [name.removesuffix(TEMPLATE_SUFFIX) for name in known]
    word = name.removeprefix(f"{TEMPLATES}/")
    for candidate in (word, f"{word}{TEMPLATE_SUFFIX}"):
        if candidate in known:
            return f"{TEMPLATES}/{candidate}"
    raise InputError(f"--template {name}: bakehouse ships no such template", hint=suggest(word, short))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _refuse_to_overwrite(names: list[str], layout: ProjectLayout) -> None:
    hint = "Nothing was written. Move it away first; `git diff --no-index` shows how the two differ."
    errors = [
        InputError("it is there already", hint=hint, where=Where(file=name))
        for name in names
        if os.path.lexists(layout.root / name)
    ]
    if errors:
        raise errors[0] if len(errors) == 1 else InputErrors(errors)


def _what_else(layout: ProjectLayout) -> str:
    names = ", ".join(sorted(layout.shipped_recipes()))
    return (
        "Nothing was written. Choose another folder with --root, or add to this project: "
        f"`bakehouse init --recipe NAME` copies a recipe that ships ({names})."
    )
