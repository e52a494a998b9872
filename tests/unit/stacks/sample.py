"""Small stacks on a small world: what people would write, as text, to a plan."""

from __future__ import annotations

import textwrap
from functools import cache
from typing import Any

from bakehouse.config.load import validate
from bakehouse.config.yaml_document import parse
from bakehouse.model.cell import Resolution, World
from bakehouse.model.stack import Stack
from bakehouse.model.stack_host import HostFile
from bakehouse.planning.resolve import resolve
from bakehouse.stacks import machines
from bakehouse.stacks.inputs import StackInputs
from bakehouse.stacks.loaded import HOST, STACK, Loaded
from bakehouse.stacks.need import ModelFacts
from bakehouse.stacks.plan import StackPlan
from bakehouse.stacks.resolve import resolve_stack
from tests.unit import accelerated
from tests.unit.projects import recipe
from tests.unit.worlds import build

GIB = 2**30
DIGEST = "sha256:" + "ab" * 32

HOSTED = """\
version: 1
summary: two cards
memory: 64 GiB
driver: "580.95.05"
cards:
  - {gpu: rtx5090}
  - {gpu: rtx4090}
"""
MIXED = """\
version: 1
summary: one card of each
memory: 64 GiB
driver: "580.95.05"
registry: registry.example.org/team
models: /srv/models
cards:
  - {gpu: rtx5090, id: GPU-11111111-2222-3333-4444-555555555555, sharing: time-slicing}
  - {gpu: rx7900xtx, memory: 24 GiB, render: /dev/dri/renderD129}
"""
PLAIN = """\
version: 1
summary: no card
memory: 16 GiB
"""


@cache
def world() -> tuple[World, Resolution]:
    """`server` on every accelerator; `llm` and `gate` of other families."""
    made = {
        "server": accelerated.RECIPE,
        "llm": {**accelerated.RECIPE, "server": "llama.cpp"},
        "big": {**accelerated.RECIPE, "server": "openai"},
        "gate": recipe(),
    }
    tree = accelerated.MATRIX["sources"]["tree"] | {"committed": _moment()}
    models = {"tiny": {"file": "tiny.gguf", "sha256": "0" * 64, "size": 100_000_000, "places": [{"path": "/x.gguf"}]}}
    found = build(accelerated.MATRIX | {"sources": {"tree": tree}, "models": models}, made)
    return found, resolve(found)


def _moment() -> Any:
    from datetime import UTC, datetime  # noqa: PLC0415 - of this function alone

    return datetime(2026, 10, 1, tzinfo=UTC)


def inputs(stack: str, host: str | None = PLAIN, *, name: str = "sample", **changes: Any) -> StackInputs:
    """Everything that a plan is made from. Each cell has passed, unless `digests` says otherwise."""
    documents = {STACK: parse(textwrap.dedent(stack), file=f"stacks/{name}.yaml")}
    if host is not None:
        documents[HOST] = parse(textwrap.dedent(host), file="stacks/hosts/box.yaml")
    loaded = Loaded(
        name=name,
        stack=validate(documents[STACK], Stack),
        host=validate(documents[HOST], HostFile) if host is not None else None,
        documents=documents,
        host_name="box",
    )
    known, resolution = world()
    assert loaded.host is not None
    machine, targets = machines.of_file("box", loaded.host, known.matrix)
    given: dict[str, Any] = {
        "loaded": loaded,
        "world": known,
        "resolution": resolution,
        "machine": machine,
        "targets": targets,
        "facts": facts(loaded.stack),
        "digests": {cell.name: DIGEST for cell in resolution.cells},
    }
    return StackInputs(**{**given, **changes})


def facts(stack: Stack) -> dict[str, ModelFacts]:
    """What a disk would tell: files that are on the other machine."""
    found = {}
    for name, service in stack.services.items():
        if service.model and service.model.name == "tiny":
            found[name] = ModelFacts(bytes=100_000_000, paths=("/srv/models/tiny/tiny.gguf",))
        elif service.model and (path := service.model.file or service.model.folder):
            found[name] = ModelFacts(paths=(path,))
    return found


def plan(stack: str, host: str | None = PLAIN, **changes: Any) -> StackPlan:
    return resolve_stack(inputs(stack, host, **changes))
