"""`verify`: who built an image, from what, what it passed and how fast it was."""

from __future__ import annotations

import argparse
from pathlib import Path

from bakehouse.cli.console import Output
from bakehouse.commands.verify import verify_image
from bakehouse.pipeline.context import Context

DESCRIPTION = (
    "Check what is signed and attached to an image, and say it in words. Ends with 1 where something is missing."
)
EXAMPLES = """\
examples:
  bakehouse verify ghcr.io/me/server:nightly-cpu --key publish.pub
  bakehouse verify oci:FOLDER:nightly-cpu
"""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "reference", metavar="IMAGE", help="NAME:TAG, NAME@DIGEST, oci:FOLDER:TAG or oci-archive:FILE:TAG"
    )
    verb.add_argument(
        "--key", type=Path, metavar="FILE", help="public key in PEM (default: matrix.yaml's, else bakehouse's own key)"
    )
    verb.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace, context: Context) -> int:
    return verify_image(context, arguments.reference, key=arguments.key, as_json=arguments.json, out=Output())
