"""`preflight`: whether this machine has what a server will need."""

from __future__ import annotations

import argparse
from pathlib import Path

from bakehouse.cli.console import Output
from bakehouse.commands.preflight import Options, preflight
from bakehouse.pipeline.context import Context

DESCRIPTION = """Looks at the card, its driver, the platform and the memory before a server starts. On machines where
processor and card share their memory (DGX Spark), a share of it is judged with what is free right now."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--model", type=Path, metavar="PATH", help="what will be served; its files are checked, too")
    verb.add_argument(
        "--gpu-memory-utilization",
        type=_share,
        metavar="SHARE",
        help="as vLLM takes it, for example 0.6 (default: vLLM's own, 0.9)",
    )
    verb.add_argument("--toolkit", metavar="NAME", help="what the server was compiled with, for example cuda13.0")


def run(arguments: argparse.Namespace, context: Context) -> int:
    asked = Options(
        model=arguments.model, utilization=arguments.gpu_memory_utilization, toolkit=arguments.toolkit
    )  # fmt: skip
    return preflight(context, asked, out=Output())


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: more than 0, and at most 1")
    return value
