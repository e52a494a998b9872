"""How to run: arguments of the verbs that build or measure."""

from __future__ import annotations

import argparse
from pathlib import Path

from bakehouse.cli.argument_types import duration, positive
from bakehouse.cli.selection_options import selection
from bakehouse.pipeline.job import Options


def add_run_options(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("how to run")
    _add_measuring(group)
    group.add_argument(
        "--workers", type=positive, metavar="N", help="probes at the same time (default: one for two cores)"
    )
    group.add_argument(
        "--host",
        metavar="NAME",
        action="append",
        default=[],
        dest="hosts",
        help="let only this one of `hosts` in matrix.yaml test; here: this machine (default: all, by their cards)",
    )
    group.add_argument("--fresh", action="store_true", help="start a new run even if the last one was cut off")
    group.add_argument("--no-install", action="store_true", help="never install Debian packages")


def _add_measuring(group: argparse._ArgumentGroup) -> None:
    """How much is measured, and with what it is compared."""
    group.add_argument(
        "--quick", action="store_true", help="one container start, two repetitions: for CI, not for comparing"
    )
    group.add_argument(
        "--starts",
        type=positive,
        metavar="N",
        help="container starts a measurement, no more and no fewer (default: the recipe's, more while they help)",
    )
    group.add_argument(
        "--measure-for",
        type=duration,
        metavar="TIME",
        help="for testing and measuring all cells together: 90s, 5m, 1h (default: 5m; 20m with --compare; no limit "
        "with --starts); 0: as little as gives one rate a cell",
    )
    group.add_argument(
        "--repetitions", type=positive, metavar="N", help="repetitions in each start (default: the recipe's)"
    )
    group.add_argument(
        "--calibrate",
        action=argparse.BooleanOptionalAction,
        help="compare the rates with a benchmark program's in the same image (default: unless --quick)",
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
        "--model",
        type=Path,
        metavar="FILE.gguf",
        help="probe and measure with this model, a file or a name of matrix.yaml, instead of the recipe's; "
        "its history is its own",
    )


def run_options(arguments: argparse.Namespace) -> Options:
    return Options(
        selection=selection(arguments),
        fresh=arguments.fresh,
        tests=not getattr(arguments, "no_tests", False),
        quick=arguments.quick,
        starts=arguments.starts,
        measure_for=arguments.measure_for,
        repetitions=arguments.repetitions,
        calibrate=arguments.calibrate,
        history=arguments.history,
        fail_on_regression=arguments.fail_on_regression,
        model=arguments.model,
        workers=arguments.workers,
        install=not arguments.no_install,
        hosts=tuple(arguments.hosts),
    )
