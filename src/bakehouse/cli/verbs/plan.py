"""`plan`: what would be built, and why the rest would not."""

from __future__ import annotations

import argparse
from pathlib import Path

from bakehouse.cli.argument_types import positive
from bakehouse.cli.console import Output
from bakehouse.cli.selection_options import add_selection, selection
from bakehouse.commands import plan
from bakehouse.pipeline.context import Context

DESCRIPTION = "Say what would be built, and why the rest would not. Touches neither Docker nor the network."
EXAMPLES = """\
examples:
  bakehouse plan                                  the whole matrix, and each reason why something is left out
  bakehouse plan --gpu gb10                       what to build for this card, best first, and why not the rest
  bakehouse plan --gpu rtx4090 --driver 535.183   the same on a machine whose driver stays as it is
  bakehouse plan --driver 550.54                  which toolkits this driver runs
  bakehouse plan --explain CELL                   every value of a cell with the line it comes from
  bakehouse plan --affected-since origin/main --shards 8 --json   jobs for CI: what a change affects, in even shards
"""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    add_selection(verb)
    verb.add_argument(
        "--driver",
        metavar="VERSION",
        help="what runs on this NVIDIA driver, wholly or in part; can be combined with --gpu",
    )
    verb.add_argument("--excluded", action="store_true", help="list every combination that a reason rules out")
    verb.add_argument("--json", action="store_true", dest="as_json", help="for programs: cells, exclusions, bake file")
    verb.add_argument(
        "--explain", metavar="CELL", help="where each value of this cell comes from, or why it is excluded"
    )
    verb.add_argument(
        "--shards",
        metavar="N",
        type=positive,
        help="divide the cells among at most N machines that build side by side; each stage is counted once in a shard",
    )
    verb.add_argument("--write", metavar="FOLDER", type=Path, help="write the Dockerfiles and docker-bake.json there")


def run(arguments: argparse.Namespace, context: Context) -> int:
    options = plan.Options(
        selection=selection(arguments),
        driver=arguments.driver,
        excluded=arguments.excluded,
        as_json=arguments.as_json,
        explain=arguments.explain,
        write=arguments.write,
        shards=arguments.shards,
    )
    return plan.plan(context, options, out=Output())
