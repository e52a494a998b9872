"""The files of a new project, as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

import jinja2

from bakehouse.config.layout import MATRIX_FILE, ProjectLayout
from bakehouse.config.shipped_recipes import needs
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


def matrix(recipes: Mapping[str, Any], layout: ProjectLayout, *, platform: str) -> str:
    """A small matrix.yaml for these recipes that ship, as they stand in their files. Their sources and models are those
    of the shipped matrix.
    """
    offered = {accelerator for recipe in recipes.values() for accelerator in recipe["accelerators"]}
    return _render(
        "matrix.yaml.j2",
        shipped=sorted(layout.shipped_recipes()),
        rows={section: missing_rows(recipes.values(), layout, section) for section in ("sources", "models")},
        flag_set=_block(_shipped_matrix(layout), "flag_sets", "default"),
        accelerators=[name for name in USUAL if name in offered] or sorted(offered),
        platform=platform,
    )


def missing_rows(recipes: Iterable[Any], layout: ProjectLayout, section: str, *, have: Iterable[str] = ()) -> str:
    """The rows of the shipped matrix that recipes need beside those that a project has; empty if none."""
    wanted = {name for recipe in recipes for where, name in needs(recipe) if where == section} - {*have}
    text = _shipped_matrix(layout)
    return "\n".join(_block(text, section, name) for name in sorted(wanted))


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
