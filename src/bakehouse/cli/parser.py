"""The whole command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import bakehouse
from bakehouse.cli import verbs
from bakehouse.errors import InputError

EPILOG = """\
exit codes:
  0    everything that was asked for passed
  1    a cell failed or could not be judged; the reports say why (lint: there are errors); with
       --fail-on-regression also: something became slower or larger
  2    the input is wrong (a file, an option); nothing was done
  3    a bug in bakehouse; a log was saved
  4    the infrastructure failed (engine, disk) and the run could not go on; the same command goes on there
  130  interrupted by Ctrl-C; the same command goes on where it stopped
  143  ended by SIGTERM; the same command goes on where it stopped

environment:
  BAKEHOUSE_CACHE            where downloads, bases, models and the embedded engine live (~/.cache/bakehouse)
  BAKEHOUSE_REGISTRY_MIRROR  a registry to ask after the public one, as HOST[:PORT][/PREFIX]
  BAKEHOUSE_BUILD_CACHE      a repository of a registry that keeps the build cache, as HOST/NAME: what another machine
                             has compiled is not compiled again
  BAKEHOUSE_BUILDER          a builder of buildx (remote, kubernetes, docker-container) that builds for the engine
  BAKEHOUSE_OFFLINE=1        use only what is cached or local
  DOCKER_HOST, DOCKER_CONTEXT  the engine to use; without one that answers, root gets a private engine
"""


def parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The command line for these words: all verbs, and the arguments of the one that was typed."""
    top = argparse.ArgumentParser(
        prog="bakehouse",
        description=bakehouse.__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"bakehouse {bakehouse.__version__}")
    top.add_argument("--root", type=Path, default=Path(), help="the project's folder, with matrix.yaml (default: here)")
    subparsers = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, summary in verbs.SUMMARIES.items():
        own = subparsers.add_parser(name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter)
        if name in words:
            verb = verbs.load(name)
            own.description = getattr(verb, "DESCRIPTION", None)
            own.epilog = getattr(verb, "EXAMPLES", None)
            verb.add_arguments(own)
    return top


def refuse_empty(words: Sequence[str]) -> None:
    """Raise InputError for a value without a letter: it would choose nothing, or the folder that we are in."""
    for position, word in enumerate(words):
        option, separator, value = word.partition("=")
        if separator and option.startswith("--") and not value.strip():
            raise _empty(option)
        if not word.strip():
            before = words[position - 1] if position else ""
            raise _empty(before if before.startswith("--") else "an argument")


def _empty(what: str) -> InputError:
    hint = "Write its value, or leave it out. A shell's variable that is not set gives an empty one."
    return InputError(f"{what} is empty", hint=hint)
