"""`lock`: pin what the matrix's names stand for today."""

from __future__ import annotations

import argparse

from bakehouse.commands.lock import lock
from bakehouse.pipeline.context import Context


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--no-install", action="store_true", help="never install Debian packages")


def run(arguments: argparse.Namespace, context: Context) -> int:
    return lock(context, install=not arguments.no_install)
