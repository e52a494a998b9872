"""`report`: draw a run's reports again."""

from __future__ import annotations

import argparse
from pathlib import Path

from bakehouse.commands.report import report
from bakehouse.pipeline.context import Context


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("folder", nargs="?", type=Path, help="the run's folder (default: reports/latest)")


def run(arguments: argparse.Namespace, context: Context) -> int:
    return report(context, arguments.folder)
