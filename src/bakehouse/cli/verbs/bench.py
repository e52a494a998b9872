"""`bench`: measure on this machine."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import get_args

from bakehouse.cli.run_options import add_run_options, run_options
from bakehouse.cli.selection_options import add_selection
from bakehouse.commands.bench import bench
from bakehouse.model.suite import Client
from bakehouse.pipeline.compare_images import STARTS as COMPARED_STARTS
from bakehouse.pipeline.context import Context

EXAMPLES = """\
examples:
  bakehouse bench                                 the processor: all its cells, beside their history
  bakehouse bench --gpu rtx5090                   the cells of a card that is in this machine
  bakehouse bench --compare 20261120-031200-0e5428 --fail-on-regression
                                                  what is built now, in turn with the images of that run
  bakehouse bench --only NAME-cpu-amd64 --compare ghcr.io/me/NAME@sha256:5d1c...
                                                  the same with one image, pulled if need be
  bakehouse bench --engine aiperf                 let NVIDIA's aiperf make the load, beside its own history
"""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    add_selection(verb)
    add_run_options(verb)
    verb.add_argument(
        "--compare",
        metavar="BASE",
        help="measure each cell in turn with another image (A B B A): that of a run in reports, or an image by tag, "
        f"digest or ID; {COMPARED_STARTS} starts each unless --starts says otherwise",
    )

    verb.add_argument(
        "--engine",
        choices=get_args(Client),
        default="bakehouse",
        dest="client",
        help="who makes the load: our own client (default), or NVIDIA's aiperf, if it is installed",
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    return bench(context, replace(run_options(arguments), compare=arguments.compare, client=arguments.client))
