"""The verbs: one module each, imported only when its verb was typed.

`bakehouse --help` and `plan` start without what the other verbs need (numpy, the engine's client, pytest).
"""

from __future__ import annotations

import argparse
import importlib
from typing import Protocol, cast

from bakehouse.pipeline.context import Context

SUMMARIES = {
    "init": "begin a project in this folder, or copy a recipe or template that ships",
    "plan": "what would be built, and why the rest would not; touches nothing",
    "build-matrix": "build, prove, start, measure and report (default: what runs here)",
    "bench": "measure on this machine; --gpu cpu is its processor",
    "probe": "ask a server that runs already, and attach what came out to its image",
    "stack": "services that run together: lay out, render, start, try, load, and kill in turn",
    "report": "draw a run's reports again from its run.json",
    "publish": "push what passed, by digest, signed; move channels to it, and back",
    "verify": "say who built an image, from what, what it passed and how fast it was",
    "history": "decide which measurements count; import those of other programs",
    "lock": "pin what the matrix's names stand for today in bakehouse.lock",
    "update": "move sources, bases and toolkits to what is newest; say which options came and went",
    "lint": "check the project, or files that you bring along, against what the pinned source reads",
    "ci": "write the workflows of a CI system, and find what a run of them has to do",
    "catalogue": "draw what channels name: which image for which card, and all that is known of it",
    "choose": "which published image to pull for a card, and why",
    "check-model": "check whether a model's files are whole: a folder of Hugging Face, a .safetensors or a .gguf",
    "preflight": "check whether this machine can hold a server: driver, platform, memory, model",
    "schema": "write the JSON Schemas of the files",
    "engine": "run a program with the engine that runs use, the embedded one included",
    "clean": "remove containers and images that runs left; reports stay",
}
"""Each verb's line in `bakehouse --help`, in that order. A verb `a-b` is the module `a_b`."""

TAKE_ANY_VALUE = ("--cmake", "--server")
"""Options of verbs whose value may begin with a dash."""


class Verb(Protocol):
    """What the module of a verb defines. It may add DESCRIPTION (above its own help) and EXAMPLES (below it)."""

    def add_arguments(self, verb: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace, context: Context) -> int:
        """Returns the exit code."""
        ...


def load(name: str) -> Verb:
    """The module of a verb that SUMMARIES names."""
    return cast("Verb", importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))
