"""The images that Dockerfiles of llama.cpp stand on: those with it in them, then all others."""

from __future__ import annotations

import functools
from importlib import resources

from bakehouse.lint.stages.bases import Catalogue, load_bases, read_catalogue, together

FILE = "images.yaml"


@functools.cache
def load_catalogue() -> Catalogue:
    """What comes with bakehouse."""
    text = resources.files("bakehouse.servers.llama_cpp.lint.relations").joinpath(FILE).read_text(encoding="utf-8")
    own = read_catalogue(text, FILE)
    return together(own, load_bases())
