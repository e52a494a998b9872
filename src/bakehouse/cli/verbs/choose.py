"""`choose`: which published image to pull for a card."""

from __future__ import annotations

import argparse

from bakehouse.cli.console import Output
from bakehouse.commands.choose import Options, choose
from bakehouse.pipeline.context import Context

DESCRIPTION = (
    "Say which published image to pull for the cards of this machine, or for a card that is named, and why. "
    "Needs no project and no engine: only a catalogue.json."
)
EXAMPLES = """\
examples:
  bakehouse choose --from https://example.org/images/catalogue.json      for the cards of this machine
  bakehouse choose --from catalogue.json --gpu rtx5090 --driver 575.57   for another machine
"""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--from",
        dest="place",
        metavar="FILE",
        help="a catalogue.json, or its address (default: catalogue.json, then catalogue/catalogue.json)",
    )
    verb.add_argument(
        "--gpu", metavar="CARD", help="a card of the catalogue, or what it runs: rtx5090, sm_89, gfx1100, cpu"
    )
    verb.add_argument("--driver", metavar="VERSION", help="of the NVIDIA card (default: that of this machine)")
    verb.add_argument("--recipe", metavar="NAME", help="only images of this recipe")
    verb.add_argument("--channel", metavar="NAME", help="only what this channel names")
    verb.add_argument("--json", action="store_true", dest="as_json", help="for programs")


def run(arguments: argparse.Namespace, context: Context) -> int:
    options = Options(
        place=arguments.place,
        gpu=arguments.gpu,
        driver=arguments.driver,
        recipe=arguments.recipe,
        channel=arguments.channel,
        as_json=arguments.as_json,
    )
    return choose(context, options, out=Output())
