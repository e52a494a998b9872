"""`schema`: write the JSON Schemas of the files."""

from __future__ import annotations

import argparse

from bakehouse.commands.schema import schema
from bakehouse.pipeline.context import Context


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--check", action="store_true", help="only say whether they are up to date")


def run(arguments: argparse.Namespace, context: Context) -> int:
    return schema(context, check=arguments.check)
