"""A nightly run as its workflow is written: plan, build, stage, test by digest on another machine, publish, tell."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.doubles.registry import FakeRegistry, serving
from tests.engine.toy import Toy
from tests.engine.workflow import Workflow

from bakehouse.ci import github
from bakehouse.errors import ExitCode
from bakehouse.model.image_catalogue import ImageCatalogue
from bakehouse.system import process

pytestmark = pytest.mark.engine

GH = """\
#!/bin/sh
echo "$*" >> "$GH_LOG"
"""


class Night:
    """A repository with a toy project, and the workflow that bakehouse writes for it."""

    def __init__(self, toy: Toy, registry: FakeRegistry, folder: Path) -> None:
        self.toy, self.registry, self.folder = toy, registry, folder
        programs = folder / "bin"
        programs.mkdir(parents=True)
        (programs / "gh").write_text(GH)
        (programs / "gh").chmod(0o755)
        (programs / "bakehouse").symlink_to(Path(sys.executable).parent / "bakehouse")
        git = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        path = f"{programs}:{toy.environ['PATH']}"
        self.environ = {**toy.environ, **git, "PATH": path, "GH_LOG": str(folder / "gh.log")}
        self.count = 0

    def write(self, **flag_sets: dict[str, str]) -> None:
        self.toy.write(flag_sets or {"default": {}})
        matrix = self.toy.root / "matrix.yaml"
        policy = (
            f"publish:\n  repository: {self.registry.host}/me/{{recipe}}\n"
            "  channels: {nightly: {plain: cpu, gates: {speed: reported, probes: when-run}}}\n"
            "ci:\n  install: bakehouse\n  runners:\n    cpu: [here]\n"
        )
        matrix.write_text(matrix.read_text() + policy)
        (self.toy.root / ".gitignore").write_text("reports/*\n*.log\n")
        assert self.toy.run("ci", "github").code == ExitCode.OK
        self.commit()

    def commit(self) -> None:
        git = ["git", "-C", str(self.toy.root), "-c", "user.name=a", "-c", "user.email=a@example.org"]
        if not (self.toy.root / ".git").exists():
            process.run([*git, "init", "--quiet", "--initial-branch", "main"], env=self.environ)
        process.run([*git, "add", "."], env=self.environ)
        process.run([*git, "commit", "--quiet", "-m", "x"], env=self.environ)

    def run(self) -> Workflow:
        self.count += 1
        workflow = Workflow(
            text=(self.toy.root / github.NIGHTLY).read_text(),
            repository=self.toy.root,
            folder=self.folder / f"night-{self.count}",
            environ=self.environ,
            given={"github.ref": "refs/heads/main", "github.repository": "me/toy"},
        )
        workflow.folder.mkdir()
        return workflow

    def catalogue(self, workflow: Workflow) -> ImageCatalogue:
        text = (workflow.folder / "artifacts/published/catalogue/catalogue.json").read_text()
        return ImageCatalogue.model_validate_json(text)


@pytest.fixture
def night(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    with serving(FakeRegistry()) as registry:
        yield Night(toy, registry, tmp_path_factory.mktemp("night"))


def test_what_passed_is_published_and_the_next_night_has_nothing_to_do(night: Night) -> None:
    night.write()
    first = night.run()
    codes = first.run()
    said = "\n".join(first.said)
    assert codes == {"plan": 0, "build 0": 0, "test 0": 0, "publish": 0, "notice": 0}, said
    (image,) = night.catalogue(first).images
    assert (image.channel, image.variant, image.is_signed) == ("nightly", "cpu", True)
    assert image.platforms[0].digest == night.registry.tag_names["me/toy-staging"].popitem()[1], "what was tested"
    assert {test.result for test in image.tests} == {"PASSED"}
    assert len(image.tests) == 2, "of the machine that built, and of the one that tested"
    assert "pulled" in said
    assert night.registry.tag_names["me/toy"]["nightly"] == image.digest
    asked = process.run(
        [
            "bakehouse",
            "choose",
            "--gpu",
            "cpu",
            "--from",
            str(first.folder / "artifacts/published/catalogue/catalogue.json"),
        ],
        env=night.environ,
    )
    assert f"docker pull {image.pull}" in asked.stdout

    second = night.run()
    codes = second.run()
    assert codes == {"plan": 0, "publish": 0, "notice": 0}, "\n".join(second.said)
    assert json.loads(second.given["needs.plan.outputs.build"]) == []


def test_a_cell_that_turns_bad_is_told_and_the_channel_stays(night: Night) -> None:
    night.write()
    assert set(night.run().run().values()) == {0}
    before = night.registry.tag_names["me/toy"]["nightly"]
    night.write(default={"STEP": "echo 'no such header' && exit 7"})
    bad = night.run()
    codes = bad.run()
    assert codes["build 0"] == ExitCode.CELL_FAILED, "\n".join(bad.said)
    assert night.registry.tag_names["me/toy"]["nightly"] == before
    notice = (bad.folder / "artifacts/published/notice.md").read_text()
    assert "### 1 cell failed" in notice
    assert "**toy-cpu-amd64**" in notice
    assert "it was good before: nightly stays at" in notice
    assert "issue create" in (night.folder / "gh.log").read_text()
