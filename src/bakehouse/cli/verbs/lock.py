"""`lock`: pin what the matrix's names stand for today."""

from __future__ import annotations

import argparse

from bakehouse.commands.lock import lock, lock_requirements
from bakehouse.pipeline.context import Context


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--requirements",
        nargs="*",
        metavar="RECIPE",
        help="only the wheels of these recipes (without a name: of all), by uv: requirements.*.txt; no engine",
    )
    verb.add_argument("--no-install", action="store_true", help="never install Debian packages")


def run(arguments: argparse.Namespace, context: Context) -> int:
    if arguments.requirements is not None:
        return lock_requirements(context, arguments.requirements)
    return lock(context, install=not arguments.no_install)
