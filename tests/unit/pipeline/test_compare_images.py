from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bakehouse.engine.docker import DockerError, NoSuchObjectError
from bakehouse.engine.objects import ImageConfig
from bakehouse.errors import InputError
from bakehouse.model.enums import Change, Verdict
from bakehouse.model.report import BaselineReport, CellReport
from bakehouse.pipeline.compare_images import compare_in_turn, find_baselines
from bakehouse.reporters import json_file
from tests.unit.pipeline.test_history_writer import cell, measured, run


@dataclass
class Engine:
    """Holds images, and reaches a registry that holds others."""

    images: set[str]
    registry: set[str] = field(default_factory=set)
    named: dict[str, str] = field(default_factory=dict)

    def image(self, reference: str) -> ImageConfig:
        if reference not in self.images:
            raise NoSuchObjectError(f"No such image: {reference}")
        return ImageConfig(
            id=reference if reference.startswith("sha256:") else f"sha256:{reference}",
            entrypoint=(),
            command=(),
            env=(),
            user="",
            labels={},
        )

    def tag(self, reference: str, name: str) -> None:
        self.named[name] = reference

    def pull(self, reference: str) -> None:
        if reference not in self.registry:
            raise DockerError(f"Error response from daemon:\npull access denied for {reference}")
        self.images.add(reference)


def find(asked: str, reports: Path, *cells: str, engine: Engine) -> dict[str, str]:
    found = find_baselines(asked, cells or ("a",), reports=reports, images=engine, say=lambda _: None)
    return {name: baseline.reference for name, baseline in found.items()}


def keep_run(reports: Path) -> str:
    kept = run(cell("a"), cell("b"))
    folder = reports / kept.run
    folder.mkdir(parents=True)
    (folder / json_file.file).write_text(json_file.render(kept, folder=folder))
    return kept.run


def test_an_image_is_the_baseline_of_the_one_cell_that_is_selected(tmp_path: Path) -> None:
    assert find("mine:old", tmp_path, engine=Engine({"mine:old"})) == {"a": "sha256:mine:old"}


def test_a_baseline_keeps_a_name_whatever_the_build_does_with_its_tag(tmp_path: Path) -> None:
    engine = Engine({"sha256:0123456789abcdef"})
    find("sha256:0123456789abcdef", tmp_path, engine=engine)
    assert engine.named == {"bakehouse/baseline:0123456789ab": "sha256:0123456789abcdef"}


def test_an_image_that_the_engine_lacks_is_pulled(tmp_path: Path) -> None:
    assert find("ghcr.io/mine@sha256:5d", tmp_path, engine=Engine(set(), {"ghcr.io/mine@sha256:5d"}))


def test_a_run_names_an_image_for_each_cell(tmp_path: Path) -> None:
    name = keep_run(tmp_path)
    found = find(name, tmp_path, "a", "b", engine=Engine({"sha256:built"}))
    assert found == {"a": "sha256:built", "b": "sha256:built"}


@pytest.mark.parametrize(
    ("asked", "cells", "why"),
    [
        ("mine:old", ("a", "b"), "this is one image .* and 2 cells are selected"),
        ("mine:gone", ("a",), "it cannot be pulled: pull access denied for mine:gone"),
        ("RUN", ("a", "c"), "that run built no image of c"),
        ("RUN", ("a",), "the engine has no image sha256:built any more"),
        ("sha256:0123", ("a",), "the engine has no image sha256:0123 any more"),
    ],
)
def test_what_cannot_be_a_baseline_is_said_before_anything_is_built(
    asked: str, cells: tuple[str, ...], why: str, tmp_path: Path
) -> None:
    name = keep_run(tmp_path)
    with pytest.raises(InputError, match=f"--compare .*{why}") as caught:
        find(asked.replace("RUN", name), tmp_path, *cells, engine=Engine({"mine:old"}))
    assert caught.value.hint


def in_turn(ours: float, theirs: float, **changes: object) -> CellReport:
    baseline = BaselineReport(name="mine:old", image="sha256:0123456789abcdef", measurements=[measured(theirs)])
    return cell("a", measured(ours)).model_copy(update={"baseline": baseline, **changes})


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [(100.0, 100.0, Change.PASS), (90.0, 100.0, Change.REGRESS), (112.0, 100.0, Change.IMPROVE)],
)
def test_what_was_measured_in_turn_is_judged_without_a_history(ours: float, theirs: float, verdict: Change) -> None:
    versus = compare_in_turn(run(in_turn(ours, theirs)))
    assert versus is not None
    assert versus.baseline == "mine:old (sha256:0123456789ab), measured in turn"
    assert [one.judged.verdict for one in versus.compared] == [verdict]


def test_an_image_that_is_wrong_is_compared_with_nothing() -> None:
    versus = compare_in_turn(run(in_turn(100.0, 100.0, verdict=Verdict.FAILED)))
    assert versus is not None
    assert not versus.compared


def test_a_run_without_a_baseline_has_no_such_comparison() -> None:
    assert compare_in_turn(run(cell("a"))) is None
