"""`init`: a new project, or copies of what ships with bakehouse."""

from __future__ import annotations

import argparse

from bakehouse.commands.init import Options, init
from bakehouse.pipeline.context import Context

DESCRIPTION = (
    "Write a small project into this folder (--root names another): matrix.yaml, one recipe, noxfile.py, .gitignore. "
    "In a project that exists, copy what ships with bakehouse, to change it, or begin a recipe of your own. "
    "Overwrites nothing."
)
EXAMPLES = """\
examples:
  bakehouse init                             a new project, with a recipe that ships
  bakehouse init --recipe embedder           copy this recipe; in a folder without matrix.yaml, begin a project with it
  bakehouse init --server counter            begin a recipe of your own: a Python server, its requirements and probes
  bakehouse init --template python-server    copy its template to dockerfiles/, where it takes the shipped one's place
"""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--recipe", metavar="NAME", action="append", default=[], help="copy this recipe that ships (repeatable)"
    )
    verb.add_argument(
        "--server",
        metavar="NAME",
        action="append",
        default=[],
        help="begin a recipe for a Python server of your own, with one that runs (repeatable)",
    )
    verb.add_argument(
        "--template", metavar="NAME", action="append", default=[], help="copy this template that ships (repeatable)"
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    return init(
        context,
        Options(recipes=tuple(arguments.recipe), templates=tuple(arguments.template), servers=tuple(arguments.server)),
    )
