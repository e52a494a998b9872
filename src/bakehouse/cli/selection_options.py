"""Which cells: arguments that several verbs share."""

from __future__ import annotations

import argparse

from bakehouse.planning.select import Selection


def add_selection(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group(
        "which cells", "Options of different kinds narrow each other, values of one kind add up. NAME may be a pattern."
    )
    group.add_argument("--all", action="store_true", dest="everything", help="every cell, whether it runs here or not")
    group.add_argument(
        "--gpu",
        metavar="CARD",
        action="append",
        default=[],
        help="cells with code for this card: a name of the catalogue (rtx5090), what it runs (sm_89, 8.9, gfx1100), or "
        "'cpu', the processor",
    )
    for option, text in (
        ("accelerator", "cpu, cuda, rocm, xpu or vulkan"),
        ("toolkit", "by name or version: cuda12.9, 12.9, 12.9.1; 12 stands for 12.*"),
        ("arch", "cells that hold code for it, alone or among others: sm_120, gfx1100"),
        ("platform", "linux/amd64, linux/arm64"),
        ("flag-set", "cells of this flag set"),
        ("recipe", "cells of this recipe"),
    ):
        group.add_argument(f"--{option}", metavar="NAME", action="append", default=[], help=text)
    group.add_argument("--only", metavar="GLOB", action="append", default=[], help="cells whose name matches")
    group.add_argument("--skip", metavar="GLOB", action="append", default=[], help="not those")
    group.add_argument(
        "--affected-since",
        metavar="REV",
        help="cells whose inputs differ from those at this git revision: rendered files, recipe, probes, model",
    )


def selection(arguments: argparse.Namespace) -> Selection:
    return Selection(
        everything=arguments.everything,
        gpu=tuple(arguments.gpu),
        only=tuple(arguments.only),
        skip=tuple(arguments.skip),
        recipe=tuple(arguments.recipe),
        accelerator=tuple(arguments.accelerator),
        toolkit=tuple(arguments.toolkit),
        arch=tuple(arguments.arch),
        flag_set=tuple(arguments.flag_set),
        platform=tuple(arguments.platform),
        affected_since=arguments.affected_since,
    )
