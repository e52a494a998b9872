"""`probe`: ask a server that runs already."""

from __future__ import annotations

import argparse
from pathlib import Path

from bakehouse.cli.argument_types import duration
from bakehouse.commands.probe import ProbeOptions, probe
from bakehouse.errors import InputError
from bakehouse.pipeline.context import Context

DESCRIPTION = """\
Run the image suite over a server that somebody else has started: a pod, a service of systemd, a machine far away. No
Docker engine is needed. What needs a container of its own is not run, and the report says so."""
EXAMPLES = """\
examples:
  bakehouse probe http://10.0.0.7:8080 --cell NAME-cuda12.9-sm120-amd64 --device "NVIDIA GeForce RTX 5090"
  bakehouse probe http://127.0.0.1:8080 --cell NAME --image ghcr.io/me/NAME-staging@sha256:5d1c...
                                                  attach the results to that image, signed
  bakehouse probe http://127.0.0.1:8080 --job job.json
                                                  what a Job of `ci kubernetes` runs beside the server
"""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("url", nargs="?", metavar="URL", help="of the server, without a path")
    verb.add_argument("--cell", metavar="NAME", help="the cell that is served: it says what must hold")
    verb.add_argument("--job", type=Path, metavar="FILE", help="the same, and the image, without a project")
    verb.add_argument("--image", default="", metavar="NAME@DIGEST", help="what is served; results are attached to it")
    verb.add_argument("--device", default="cpu", metavar="NAME", help="what it computes on (default: cpu)")
    verb.add_argument(
        "--measure-for", type=duration, default=300.0, metavar="TIME", help="for testing and measuring (default: 5m)"
    )
    verb.add_argument("--fetch", type=Path, metavar="FOLDER", help="put the models that it serves there first")


def run(arguments: argparse.Namespace, context: Context) -> int:
    if bool(arguments.job) == bool(arguments.cell):
        raise InputError("name the server's cell with --cell, or a file with --job")
    if arguments.job and arguments.image:
        raise InputError("--job names the image itself", hint="Leave out --image.")
    if arguments.url is None and arguments.fetch is None:
        raise InputError("no server is named", hint="bakehouse probe http://HOST:PORT --cell NAME")
    options = ProbeOptions(
        url=arguments.url,
        job=arguments.job,
        cell=arguments.cell,
        image=arguments.image,
        device=arguments.device,
        fetch=arguments.fetch,
        seconds=arguments.measure_for,
    )
    return probe(context, options)
