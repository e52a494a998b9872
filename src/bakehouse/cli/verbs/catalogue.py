"""`catalogue`: what channels name, as a page and for programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from bakehouse.commands.catalogue import write_catalogue
from bakehouse.pipeline.context import Context

DESCRIPTION = (
    "Read from the registry what channels name, and draw it: which image for which card, the line to pull, drivers, "
    "sizes, rates, tests, history, and what retention will remove. One page that opens offline, and catalogue.json."
)


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--write", type=Path, metavar="FOLDER", default=Path("catalogue"), help="write there (default: catalogue)"
    )
    verb.add_argument("--to", metavar="PLACE", help="the registry, as for `publish`; or oci:FOLDER")


def run(arguments: argparse.Namespace, context: Context) -> int:
    return write_catalogue(context, context.root / arguments.write, to=arguments.to)
