"""Arguments that several verbs share, and the values that commands get for them."""

from __future__ import annotations

import argparse

from bakehouse.pipeline.job import Options
from bakehouse.planning.select import Selection


def add_selection(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group(
        "which cells", "Options of different kinds narrow each other, values of one kind add up. NAME may be a pattern."
    )
    group.add_argument("--all", action="store_true", dest="everything", help="every cell, whether it runs here or not")
    group.add_argument(
        "--gpu",
        metavar="CARD",
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
        gpu=arguments.gpu,
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


def add_run_options(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("how to run")
    group.add_argument(
        "--quick", action="store_true", help="one container start, two repetitions: for CI, not for comparing"
    )
    group.add_argument(
        "--starts", type=_positive, metavar="N", help="container starts a measurement (default: the recipe's)"
    )
    group.add_argument(
        "--repetitions", type=_positive, metavar="N", help="repetitions in each start (default: the recipe's)"
    )
    group.add_argument(
        "--calibrate",
        action=argparse.BooleanOptionalAction,
        help="hold the rates against llama-bench in the same image (default: unless --quick)",
    )
    group.add_argument(
        "--history",
        action=argparse.BooleanOptionalAction,
        help="keep measurements in reports/history and compare them with it (default: unless --quick)",
    )
    group.add_argument(
        "--fail-on-regression", action="store_true", help="end with exit code 1 when something became slower or larger"
    )
    group.add_argument(
        "--workers", type=_positive, metavar="N", help="probes at the same time (default: one for two cores)"
    )
    group.add_argument("--fresh", action="store_true", help="begin anew even if the last run was cut off")
    group.add_argument("--no-install", action="store_true", help="never install Debian packages")


def run_options(arguments: argparse.Namespace) -> Options:
    return Options(
        selection=selection(arguments),
        fresh=arguments.fresh,
        tests=not getattr(arguments, "no_tests", False),
        quick=arguments.quick,
        starts=arguments.starts,
        repetitions=arguments.repetitions,
        calibrate=arguments.calibrate,
        history=arguments.history,
        fail_on_regression=arguments.fail_on_regression,
        workers=arguments.workers,
        install=not arguments.no_install,
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
