"""A builder of buildx that is not the engine's: a second private engine's BuildKit, by buildx's own remote driver."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.doubles.buildkit_bridge import bridged
from tests.engine.conftest import SETTINGS, Ground
from tests.engine.toy import Toy

from bakehouse.engine.embedded.local import EmbeddedEngine
from bakehouse.errors import ExitCode
from bakehouse.model.enums import Verdict
from bakehouse.system import process

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]


@pytest.fixture
def far(cache: Path, ground: Ground, toy: Toy, tmp_path: Path) -> Iterator[EmbeddedEngine]:
    """A second engine with nothing in it, whose BuildKit is the builder `far`."""
    if ground.engine.kind != "embedded":
        pytest.skip("needs root: a second engine")
    toy.environ |= {"BUILDX_CONFIG": str(tmp_path / "buildx")}
    with (
        EmbeddedEngine(cache=cache, say=print, environ=os.environ, settings=SETTINGS) as engine,
        bridged(engine.socket, engine.folders.runtime / "far.sock") as address,
    ):
        words = ["docker", "buildx", "create", "--name", "far", "--driver", "remote", address]
        process.run(words, env=toy.environ)
        yield engine


def images(engine: EmbeddedEngine) -> list[str]:
    env = dict(os.environ) | {"DOCKER_HOST": f"unix://{engine.socket}"}
    done = process.run(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"], env=env)
    return done.stdout.split()


def test_it_builds_and_the_engine_tests_the_very_digest(toy: Toy, far: EmbeddedEngine) -> None:
    toy.write({"one": {}, "two": {}})

    done = toy.run("build-matrix", "--quick", "--workers", "1", BAKEHOUSE_BUILDER="far")

    assert done.code == ExitCode.OK, done.said
    assert "Images are built by far (remote driver) and brought to this engine" in done.said
    assert {cell.verdict for cell in toy.report.cells} == {Verdict.PASSED}
    for cell in toy.report.cells:
        assert cell.build
        assert cell.image
        assert cell.build.image == cell.image.digest
    assert not [name for name in images(far) if "toy" in name], "what was built is not kept as an image there"

    again = toy.run("build-matrix", "--no-tests", "--fresh", BAKEHOUSE_BUILDER="far")
    assert again.code == ExitCode.OK, again.said
    built = {cell.name: cell.build for cell in toy.report.cells}
    assert all(step.cached for build in built.values() if build for step in build.steps if "COPY" in step.name)


def test_a_builder_that_is_not_there_or_not_elsewhere_is_said_before_anything_is_done(toy: Toy, far: object) -> None:
    toy.write({"one": {}})

    for name, words in (
        ("nobody", "there is no builder 'nobody' (BAKEHOUSE_BUILDER)"),
        ("default", "BAKEHOUSE_BUILDER=default is the builder of a Docker engine, whose images stay there"),
    ):
        done = toy.run("build-matrix", BAKEHOUSE_BUILDER=name)
        assert done.code == ExitCode.BAD_INPUT, done.said
        assert words in done.said
