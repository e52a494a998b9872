"""`engine`: run a program with the engine that runs use."""

from __future__ import annotations

import argparse

from bakehouse.commands.engine import use_engine
from bakehouse.pipeline.context import Context


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("program", nargs=argparse.REMAINDER, help="for example: docker images (default: your shell)")


def run(arguments: argparse.Namespace, context: Context) -> int:
    return use_engine(context, arguments.program)
