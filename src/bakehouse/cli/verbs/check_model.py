"""`check-model`: whether a model's files are whole."""

from __future__ import annotations

import argparse
from pathlib import Path

from bakehouse.cli.console import Output
from bakehouse.commands.preflight import check
from bakehouse.pipeline.context import Context

DESCRIPTION = """Looks at a folder of Hugging Face, a .safetensors file or a .gguf: every file that the index names is
there, each is as long as its own header says, and holds the tensors that it should."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("model", type=Path, metavar="PATH", help="a folder, a .safetensors or a .gguf file")


def run(arguments: argparse.Namespace, context: Context) -> int:  # noqa: ARG001 - the protocol's shape
    return check(arguments.model, out=Output())
