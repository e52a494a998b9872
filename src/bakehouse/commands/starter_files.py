"""The files of a new project, as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from bakehouse.config.layout import MATRIX_FILE, RECIPE_FILE, RECIPES, ProjectLayout
from bakehouse.config.load import load_document
from bakehouse.config.shipped_recipes import rows_for
from bakehouse.model.enums import AcceleratorName

NOXFILE, GITIGNORE = "noxfile.py", ".gitignore"
SESSIONS = (
    ("plan", "What would be built, and why the rest would not."),
    ("build-matrix", "Build, prove, start, measure and report the cells that this machine can run."),
    ("bench", "Measure on this machine: -- --gpu rtx5090."),
    ("lint", "Check options, arguments and variables against the pinned source's own."),
    ("lock", "Pin what the matrix's names stand for today."),
    ("report", "Draw the latest run's reports again."),
    ("clean", "Remove containers and images that runs left."),
)
USUAL = (AcceleratorName.CPU, AcceleratorName.CUDA)
"""What a new project builds for, as far as its recipes can."""


def noxfile() -> str:
    return _render("noxfile.py.j2", sessions=SESSIONS)


def gitignore() -> str:
    return _render("gitignore.j2")


def server(name: str, *, platform: str) -> dict[str, str]:
    """A recipe for a Python server of one's own, by file: one that runs, to be changed step by step."""
    module = f"{name.replace('-', '_')}_server"  # no name of a library, which it would hide
    names = {
        "recipe.yaml": RECIPE_FILE,
        "requirements.in": "requirements.in",
        "__main__.py": f"app/{module}/__main__.py",
    }
    texts = {to: _render(f"server/{file}.j2", module=module, platform=platform) for file, to in names.items()}
    return {f"{RECIPES}/{name}/{file}": text for file, text in texts.items()}


def matrix(recipes: Mapping[str, Path], layout: ProjectLayout, *, platform: str) -> str:
    """A small matrix.yaml for these recipes that ship (folder by name), with the shipped rows of their sources and
    models; without recipes, it is for processors. `platform` is this machine's; where none of the recipes is for it,
    the matrix has theirs.
    """
    read = [load_document(folder / RECIPE_FILE, root=layout.root).value for folder in recipes.values()]
    offered = {accelerator for recipe in read for accelerator in recipe["accelerators"]} or {AcceleratorName.CPU}
    served_on = {served for recipe in read for served in recipe.get("platforms", (platform,))} or {platform}
    return _render(
        "matrix.yaml.j2",
        shipped=sorted(layout.shipped_recipes()),
        rows=missing_rows(recipes, layout),
        flag_set=_block(_shipped_matrix(layout), "flag_sets", "default"),
        accelerators=[name for name in USUAL if name in offered] or sorted(offered),
        platform=platform if platform in served_on else min(served_on),
    )


def missing_rows(recipes: Mapping[str, Path], layout: ProjectLayout, *, have: Any = None) -> dict[str, str]:
    """By section, the lines of the shipped matrix that these recipes need and a matrix, `have`, lacks."""
    text, found = _shipped_matrix(layout), {}
    for section, rows in rows_for(recipes, layout).value.items():
        own = have.get(section) if isinstance(have, dict) else None
        lacking = [name for name in rows if not isinstance(own, dict) or name not in own]
        if lacking:
            found[section] = "\n".join(_block(text, section, name) for name in lacking)
    return found


def _shipped_matrix(layout: ProjectLayout) -> str:
    return (layout.shipped / MATRIX_FILE).read_text(encoding="utf-8")


def _block(matrix: str, section: str, name: str) -> str:
    """The lines of a row, with its comments: from its name to the next one."""
    found = re.search(rf"^{section}:\n(?:.*\n)*?(  {re.escape(name)}:.*\n(?:   .*\n)*)", matrix, re.MULTILINE)
    if found is None:
        raise LookupError(f"the shipped matrix has no {section}.{name}")
    return found[1].rstrip()


def _render(name: str, **names: object) -> str:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML and Python from values of our own
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = (files("bakehouse") / "commands" / "starter" / name).read_text(encoding="utf-8")
    return environment.from_string(template).render(names)
