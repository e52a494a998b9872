"""`lint`: check options, arguments and variables against the pinned source's own."""

from __future__ import annotations

import argparse
from pathlib import Path

from bakehouse.cli.console import Output
from bakehouse.commands import lint
from bakehouse.pipeline.context import Context


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="Dockerfiles, compose files, scripts, units, CMake presets; without any, the project",
    )
    verb.add_argument("--cmake", action="append", default=[], metavar="LINE", help="options of a configure step")
    verb.add_argument("--server", action="append", default=[], metavar="LINE", help="a server's command line")
    verb.add_argument("--json", action="store_true", dest="as_json", help="for programs")
    verb.add_argument("--update", action="store_true", help="read the pinned source again and keep its options")
    verb.add_argument(
        "--compare-help", metavar="FILE", help="compare what an image's server printed with --help with the source"
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    options = lint.Options(
        files=tuple(arguments.files),
        cmake=tuple(arguments.cmake),
        server=tuple(arguments.server),
        as_json=arguments.as_json,
        update=arguments.update,
        compare_help=arguments.compare_help,
    )
    return lint.lint(context, options, out=Output())
