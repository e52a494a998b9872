"""`stack`: services that run together."""

from __future__ import annotations

import argparse
from pathlib import Path

from bakehouse.cli.console import Output
from bakehouse.commands import stack
from bakehouse.pipeline.context import Context

DESCRIPTION = "Lay services out on a machine's cards and memory, and render, start, try or stop them together."
EXAMPLES = """\
examples:
  bakehouse stack demo --check               what goes where and what is left, or why it does not fit
  bakehouse stack demo --render out          compose.yaml, Quadlet units, Kubernetes, Prometheus, Grafana
  bakehouse stack security --host rtx5090 --check   the same for another machine of stacks/hosts/
  bakehouse stack demo                       start, probe, load, kill each service in turn, report, stop
  bakehouse stack demo --up                  start and leave it running; --down stops it
"""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("name", metavar="NAME", help="a file in stacks/, without .yaml")
    verb.add_argument(
        "--host",
        metavar="NAME",
        help="lay it out for this machine of stacks/hosts/; detect: for this one as it is (default: the stack's own "
        "to render and check, this machine to run)",
    )
    doing = verb.add_mutually_exclusive_group()
    doing.add_argument("--render", metavar="FOLDER", type=Path, help="only write the files of every target")
    doing.add_argument("--check", action="store_true", help="only say what goes where, and what is wrong")
    doing.add_argument("--up", action="store_true", help="start it and leave it running")
    doing.add_argument("--down", action="store_true", help="stop what --up has started")
    verb.add_argument("--untested", action="store_true", help="use images that no run has passed, by name")
    verb.add_argument("--no-install", action="store_true", help="never install Debian packages")


def run(arguments: argparse.Namespace, context: Context) -> int:
    options = stack.Options(
        name=arguments.name,
        host=arguments.host,
        render=arguments.render,
        check=arguments.check,
        up=arguments.up,
        down=arguments.down,
        untested=arguments.untested,
        install=not arguments.no_install,
    )
    return stack.stack(context, options, out=Output())
