"""The images that Dockerfiles of llama.cpp stand on: those of the project, `images.yaml`, then all others."""

from __future__ import annotations

import functools
from importlib import resources

from bakehouse.lint.stages.bases import BaseCatalogue, load_bases, read_catalogue, together

FILE = "images.yaml"


@functools.cache
def load_own() -> BaseCatalogue:
    """The project's images."""
    text = resources.files("bakehouse.servers.llama_cpp.lint").joinpath(FILE).read_text(encoding="utf-8")
    return read_catalogue(text, FILE)


@functools.cache
def load_catalogue() -> BaseCatalogue:
    """What comes with bakehouse."""
    return together(load_own(), load_bases())
