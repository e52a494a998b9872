"""`build-matrix`: build, prove, start, measure and report."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from bakehouse.cli.run_options import add_run_options, run_options
from bakehouse.cli.selection_options import add_selection
from bakehouse.commands.build_matrix import build_matrix
from bakehouse.pipeline.context import Context


def add_arguments(verb: argparse.ArgumentParser) -> None:
    add_selection(verb)
    add_run_options(verb)
    verb.add_argument(
        "--images",
        type=Path,
        metavar="FOLDER",
        help="build nothing: take the images that these runs of other machines pushed to staging, by digest",
    )
    verb.add_argument("--no-tests", action="store_true", help="build and prove only; start nothing")


def run(arguments: argparse.Namespace, context: Context) -> int:
    return build_matrix(context, replace(run_options(arguments), images=arguments.images))
