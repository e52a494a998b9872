"""The catalogue that ships, without a project: cards and what they run, for a machine that only pulls images."""

from __future__ import annotations

from functools import cache

from bakehouse.config.catalogue import complete, shipped
from bakehouse.config.load import validate
from bakehouse.config.yaml_document import parse
from bakehouse.model.matrix import Matrix

NOTHING_BUILT = """\
version: 1
flag_sets: {default: {summary: nothing is built, accelerators: [cpu]}}
axes: {accelerator: [cpu], flag_set: [default], platform: [linux/amd64, linux/arm64]}
"""


@cache
def catalogue_alone() -> Matrix:
    """A matrix that builds nothing and knows every card."""
    return validate(complete(parse(NOTHING_BUILT, file="bakehouse/catalogue"), shipped()), Matrix)
