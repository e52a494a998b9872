"""`update`: move what the matrix pins to what is newest."""

from __future__ import annotations

import argparse

from bakehouse.cli.console import Output
from bakehouse.commands.update import update
from bakehouse.pipeline.context import Context

DESCRIPTION = (
    "Ask git, the package index and registries for what is newer than the sources, bases and toolkits of matrix.yaml, "
    "write it there, check the recipes against the options of the new revision, and lock again. A row one of whose "
    "places cannot be asked stays as it is."
)
EXAMPLES = """\
examples:
  bakehouse update --check   say what is newer and change nothing; exit code 1 where something is
  bakehouse update           change matrix.yaml, options/ and bakehouse.lock; look at the diff, build, commit
"""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--check", action="store_true", help="only say what is newer")
    verb.add_argument(
        "--no-engine", action="store_true", help="lock only the wheels of recipes; no engine has to run for that"
    )
    verb.add_argument("--no-install", action="store_true", help="never install Debian packages")


def run(arguments: argparse.Namespace, context: Context) -> int:
    return update(
        context,
        check=arguments.check,
        engine=not arguments.no_engine,
        install=not arguments.no_install,
        out=Output(),
    )
