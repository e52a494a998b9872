"""`clean`: remove what runs left."""

from __future__ import annotations

import argparse

from bakehouse.commands.clean import clean
from bakehouse.pipeline.context import Context


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--keep-images", action="store_true", help="remove containers only")
    verb.add_argument(
        "--cache", action="store_true", help="remove the cache folder too: downloads, compiler cache, engine"
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    return clean(context, images=not arguments.keep_images, cache=arguments.cache)
