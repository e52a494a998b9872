from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.engine.docker import DockerError
from bakehouse.engine.objects import ImageConfig
from bakehouse.errors import InputError
from bakehouse.model.enums import Verdict
from bakehouse.model.publish import Publish
from bakehouse.model.report import CellReport, Image, RunReport
from bakehouse.pipeline.given_images import read_given, take
from bakehouse.reporters import json_file
from tests.unit.accelerated import accelerated
from tests.unit.reporters.sample import sample_run

CELLS = {cell.name: cell for cell in accelerated()[1].cells}
NAME = "server-cpu-amd64"
POLICY = Publish(repository="registry.example.org/me/{recipe}")
DIGEST = f"sha256:{'a' * 64}"


def cell(name: str, digest: str, verdict: Verdict = Verdict.PASSED) -> CellReport:
    image = Image(reference="x", digest=digest, bytes_unpacked=1, bytes_compressed=1, layers=[], labels={})
    return CellReport(
        name=name, recipe="server", accelerator="cpu", flag_set="default", platform="linux/amd64", verdict=verdict,
        image=image,
    )  # fmt: skip


def write(folder: Path, name: str, *cells: CellReport, minute: int = 0) -> None:
    run = sample_run()
    run = run.model_copy(update={"run": name, "cells": list(cells), "started": run.started.replace(minute=minute)})
    (folder / name).mkdir(parents=True)
    (folder / name / json_file.file).write_text(
        json_file.render(RunReport.model_validate(run.model_dump()), folder=folder)
    )


def test_good_images_of_all_runs_by_their_digest_in_staging(tmp_path: Path) -> None:
    write(tmp_path, "second", cell(NAME, DIGEST), minute=2)
    write(tmp_path, "first", cell(NAME, f"sha256:{'b' * 64}"), cell("other", DIGEST, Verdict.FAILED), minute=1)
    assert read_given(tmp_path, POLICY) == {NAME: f"registry.example.org/me/server-staging@{DIGEST}"}
    named = POLICY.model_copy(update={"staging": "elsewhere.example.org/{recipe}/wait"})
    assert read_given(tmp_path / "second", named) == {NAME: f"elsewhere.example.org/server/wait@{DIGEST}"}


def test_what_cannot_be_taken_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no run in it"):
        read_given(tmp_path, POLICY)
    with pytest.raises(InputError, match="nothing of a registry"):
        read_given(tmp_path, Publish())


class Engine:
    def __init__(self, said: str = "") -> None:
        self.said, self.calls = said, list[str]()

    def pull(self, reference: str) -> None:
        self.calls.append(f"pull {reference}")
        if self.said:
            raise DockerError(self.said)

    def tag(self, reference: str, name: str) -> None:
        self.calls.append(f"tag {reference} {name}")

    def image(self, reference: str) -> ImageConfig:
        self.calls.append(f"look at {reference}")
        return ImageConfig(id=DIGEST, entrypoint=(), command=(), env=(), user="", labels={})


def test_an_image_gets_the_name_that_a_build_would_have_given_it() -> None:
    engine = Engine()
    found = take([CELLS[NAME]], {NAME: f"a/b@{DIGEST}"}, engine)[NAME]
    assert (found.verdict, found.image) == (Verdict.PASSED, DIGEST)
    assert engine.calls == [
        f"pull a/b@{DIGEST}",
        f"tag a/b@{DIGEST} bakehouse/server:cpu-amd64",
        f"look at a/b@{DIGEST}",
    ]


def test_a_registry_that_does_not_give_it_is_no_fault_of_the_image() -> None:
    found = take([CELLS[NAME]], {NAME: f"a/b@{DIGEST}"}, Engine("Error response\nno basic auth credentials"))[NAME]
    assert found.verdict is Verdict.ERRORED
    assert found.reason == f"a/b@{DIGEST} cannot be pulled: no basic auth credentials"
