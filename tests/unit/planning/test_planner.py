from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.config.load import load_project
from bakehouse.errors import InputError
from bakehouse.model.lock import Lock, LockedBase
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.planning.resolve import resolve
from tests.unit.projects import recipe, world, write_project


def test_a_locked_digest_pins_the_base_and_a_stale_one_does_not(tmp_path: Path) -> None:
    small = world(tmp_path, templates={})
    reference, digest = "docker.io/library/debian:trixie-slim", f"sha256:{'a' * 64}"
    locked = Lock(bases={"debian": LockedBase(reference=reference, digest=digest)})
    assert published_supplies(small, locked).bases["debian"].context == f"docker-image://{reference}@{digest}"
    stale = Lock(bases={"debian": LockedBase(reference="docker.io/library/debian:bookworm", digest=digest)})
    assert published_supplies(small, stale).bases["debian"].context == f"docker-image://{reference}"


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        (
            {},
            "dockerfiles/server.Dockerfile.j2: the template does not exist\n  recipes/server/recipe.yaml asks for it.",
        ),
        (
            {"server.Dockerfile.j2": "FROM x\n{{ nothing }}\n"},
            "dockerfiles/server.Dockerfile.j2:2: server-cpu-amd64: 'nothing' is undefined",
        ),
        (
            {"server.Dockerfile.j2": "FROM x\nRUN {{ cell.colour }}\n"},
            "dockerfiles/server.Dockerfile.j2:2: server-cpu-amd64:",
        ),
        ({"server.Dockerfile.j2": "{% if x %}\n"}, "dockerfiles/server.Dockerfile.j2:1: not a template"),
        ({"server.Dockerfile.j2": "{% import 'none.j2' as x %}\n"}, "dockerfiles/none.j2: the template does not exist"),
    ],
)
def test_a_bad_template_is_placed(tmp_path: Path, templates: dict[str, str], message: str) -> None:
    root = write_project(tmp_path, recipes={"server": recipe()}, templates=templates)
    small = load_project(root).world
    cells, supplies = resolve(small).cells, published_supplies(small, Lock())
    with pytest.raises(InputError) as caught:
        make_plan(root=root, world=small, cells=cells, excluded=(), supplies=supplies)
    assert message in str(caught.value)
