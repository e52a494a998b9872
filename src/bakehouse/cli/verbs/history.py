"""`history`: decide which measurements count, and import those of other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from bakehouse.commands import history
from bakehouse.history.imports import FORMATS
from bakehouse.pipeline.context import Context


def add_arguments(verb: argparse.ArgumentParser) -> None:
    kinds = verb.add_subparsers(dest="kind", required=True, metavar="ACTION")
    for kind, text in (
        ("accept", "accept the level that this run belongs to, although it is worse than the one before"),
        ("pin", "compare this cell with this run only"),
        ("unpin", "compare this cell with its history again"),
    ):
        deciding = kinds.add_parser(kind, help=text, description=f"{text[0].upper()}{text[1:]}.")
        deciding.add_argument("cell", metavar="CELL")
        if kind != "unpin":
            deciding.add_argument("run", metavar="RUN", help="its name: that of its folder in reports")
        deciding.add_argument("--reason", metavar="TEXT", default="", help="for those who read it later")
    importing = kinds.add_parser(
        "import",
        help=f"add results of {', '.join(FORMATS)}",
        description="Add results of another program. They are compared with results of the same program only.",
    )
    importing.add_argument("file", type=Path, metavar="FILE", help="JSON or JSON Lines, as the program wrote it")
    importing.add_argument("--cell", required=True, metavar="CELL", help="the cell whose image was measured")
    importing.add_argument("--host", required=True, metavar="NAME", help="the machine: files do not say which it was")
    importing.add_argument("--device", default="", metavar="NAME", help="the card, where the file does not say")
    importing.add_argument("--image", default="", metavar="DIGEST", help="the image that was measured")
    importing.add_argument("--format", choices=list(FORMATS), help="default: its content says whose it is")


def run(arguments: argparse.Namespace, context: Context) -> int:
    if arguments.kind != "import":
        run = getattr(arguments, "run", "")
        return history.decide(context, arguments.kind, cell=arguments.cell, run=run, reason=arguments.reason)
    asked = history.Import(
        path=arguments.file,
        cell=arguments.cell,
        host=arguments.host,
        device=arguments.device,
        image=arguments.image,
        format=arguments.format,
    )
    return history.import_file(context, asked)
