from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bakehouse.__main__ import main
from bakehouse.errors import ExitCode
from bakehouse.system import process
from tests.unit.accelerated import MATRIX, RECIPE
from tests.unit.projects import write_project

TEMPLATE = "FROM {{ cell.runtime_base }}\nRUN echo {{ cell.name }} {{ cell.codes | words }}\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _project(tmp_path_factory.mktemp("project"))


def _project(folder: Path) -> Path:
    return write_project(
        folder, matrix=MATRIX, recipes={"server": RECIPE}, templates={"server.Dockerfile.j2": TEMPLATE}
    )


class Plan:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.capsys, self.monkeypatch = root, capsys, monkeypatch

    def __call__(self, *words: str, columns: int = 120) -> str:
        self.monkeypatch.setenv("COLUMNS", str(columns))
        assert main(["--root", str(self.root), "plan", *words]) == ExitCode.OK
        return self.capsys.readouterr().out

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.fixture
def plan(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Plan:
    return Plan(root, capsys, monkeypatch)


def test_the_matrix_is_grouped_by_toolkit_and_exclusions_by_reason(plan: Plan) -> None:
    said = plan()
    assert "cuda12.9  CUDA 12.9.1 · driver 525.60.13, 575.57.08 for all features" in said
    assert "server-cuda12.9-many-amd64 sm_86 120 121 +PTX 86" in " ".join(said.split())
    assert "25 cells; this machine: " in said
    assert "combinations excluded for " in said
    assert "2  CUDA 12.4.1 cannot compile sm_120; 12.8 is the first that can  → server-cuda12.9-sm120-amd64" in said
    assert "flag-set-accelerator" not in said, "a flag set of another accelerator was never meant"
    assert said.count("https://example.org/cuda") == 1, "a rule's source is named once"
    assert "server-cuda12.4-sm120-blas-amd64" not in said
    assert "server-cuda12.4-sm120-amd64" in plan("--excluded")
    assert "is for cpu" in plan("--explain", "server-cuda12.4-sm120-blas-amd64")


@pytest.mark.parametrize("words", [[], ["--gpu", "rtx5090"], ["--gpu", "gb10", "--driver", "535.183"], ["--excluded"]])
@pytest.mark.parametrize("columns", [80, 140])
def test_lines_fit_the_terminal(words: list[str], columns: int, plan: Plan) -> None:
    lines = plan(*words, columns=columns).splitlines()
    assert max(len(line) for line in lines if not re.search("this machine|docker run", line)) <= columns


def test_a_selection_does_not_repeat_all_exclusions(plan: Plan) -> None:
    said = plan("--toolkit", "13.0")
    assert "7 of 25 cells" in said
    assert "excluded" not in said
    assert "23 of 25 cells" in plan("--skip", "*rocm*", "--skip", "server-cpu-amd64")


def test_advice_for_a_card(plan: Plan) -> None:
    said = plan("--gpu", "gb10").splitlines()
    assert said[0] == "gb10  cuda · sm_121 · linux/arm64"
    assert said[1].strip() == "CUDA 13 suits it best."
    assert said[4].split() == ["1", "server-cuda13.0-sm121-arm64", "sm_121a", "native", "580.65.06", "580.95.05"]
    text = "\n".join(said)
    assert said[8].split()[1:6] == ["server-cuda12.4-many-arm64", "PTX", "of", "sm_86", "ptx"]
    assert "ptx: the driver compiles it at the first start" in text
    assert "why not the others" in text
    assert "CUDA 12.4.1 cannot compile sm_121; 12.9 is the first that can  → server-cuda12.9-sm121-arm64" in text


def test_advice_for_a_card_whose_driver_is_old(plan: Plan) -> None:
    said = plan("--gpu", "rtx4090", "--driver", "535.183")
    assert "needs 580.65.06" in said
    assert "compatible: code for another arch" in said
    assert "driver 535.183 runs the native code of these toolkits, but compiles no PTX of theirs" in said


def test_what_a_driver_runs(plan: Plan) -> None:
    said = plan("--driver", "560.10")
    assert "CUDA 12.4.1 · driver 525.60.13, 550.54.15 for all features  runs" in said
    assert "575.57.08 for all features  native code only" in said
    assert "580.95.05 for all features  does not run" in said


def test_json_carries_the_same_facts(plan: Plan) -> None:
    found = plan.json("--gpu", "gb10", "--driver", "575.57.08")
    assert found["card"] == {
        "name": "gb10", "accelerators": ["cuda"], "arch": "sm_121", "platforms": ["linux/arm64"], "memory": None,
        "bandwidth": None, "in_catalogue": True,
    }  # fmt: skip
    assert found["ranked"][0]["name"] == "server-cuda12.9-sm121-arm64"
    assert {one["runs"] for one in found["ranked"]} == {"full", "no"}
    assert {answer["name"]: answer["runs"] for answer in found["driver"]["toolkits"]} == {
        "cuda13.0": "no", "cuda12.9": "full", "cuda12.4": "full",
    }  # fmt: skip
    native = {one["name"] for one in found["ranked"] if one["fit"] != "ptx"}
    assert {one["name"] for one in found["cells"]} == native, "what build-matrix --gpu would build"
    assert found["ruled_out"][0]["nearest"]
    assert found["selected_by"] == ["--gpu gb10"]
    many = next(cell for cell in plan.json()["cells"] if cell["name"] == "server-cuda12.4-many-amd64")
    assert (many["archs"], many["ptx"], many["driver_floor_native"]) == (["sm_86"], "sm_86", "525.60.13")
    assert many["left_out"][0]["reason"] == "CUDA 12.4.1 cannot compile sm_120; 12.8 is the first that can"
    assert "card" not in plan.json()


def test_a_group_is_explained_arch_by_arch(plan: Plan) -> None:
    said = plan("--explain", "server-cuda12.4-many-amd64")
    assert "code for sm_86" in said
    assert "sm_86, runs on sm_89 too" in said
    assert "PTX for later cards" in said
    assert "left out: sm_121" in said
    assert "code for sm_120" in plan("--explain", "server-cuda12.9-many-amd64")
    said = plan("--explain", "server-cuda12.9-sm121-amd64")
    assert "is excluded: cards that run sm_121 are in linux/arm64 machines only" in said
    assert "nearest: server-cuda12.9-sm121-arm64" in said


# ---------------------------------------------------------------------------------------------- what a change affects


@pytest.fixture
def repository(plan: Plan, tmp_path: Path) -> Plan:
    plan.root = _project(tmp_path)
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "--quiet"], ["add", "--all"], [*who, "commit", "--quiet", "--message", "x"]):
        process.run(["git", *words], cwd=tmp_path)
    return plan


def test_what_a_change_affects(repository: Plan) -> None:
    assert repository.json("--affected-since", "HEAD")["cells"] == [], "an empty CI matrix is no error"
    repository.root.joinpath("dockerfiles/server.Dockerfile.j2").write_text(
        TEMPLATE + "{% if cell.at.accelerator == 'rocm' %}USER nobody\n{% endif %}"
    )
    found = repository.json("--affected-since", "HEAD")
    assert [cell["name"] for cell in found["cells"]] == ["server-rocm7.2-gfx1100-amd64"]
    assert found["affected"]["since"] == "HEAD"
    assert found["affected"]["why"] == {"server-rocm7.2-gfx1100-amd64": ["Dockerfile"]}
    assert "Dockerfile" in repository("--affected-since", "HEAD")
    assert repository.json("--affected-since", "HEAD", "--accelerator", "cuda")["cells"] == []


def test_nothing_affected_is_nothing_to_build(repository: Plan) -> None:
    words = ["--root", str(repository.root), "build-matrix", "--all", "--affected-since", "HEAD", "--no-install"]
    assert main(words) == ExitCode.OK
    assert "0 of 25 cells are affected since HEAD" in repository.capsys.readouterr().err
    assert not (repository.root / "reports").exists()


def test_an_unknown_revision_is_bad_input(repository: Plan) -> None:
    assert main(["--root", str(repository.root), "plan", "--affected-since", "nowhere"]) == ExitCode.BAD_INPUT
    assert "git knows no such revision here" in repository.capsys.readouterr().err


def test_shards_hold_every_cell_once(plan: Plan) -> None:
    asked = plan.json("--shards", "3", "--accelerator", "cuda")
    names = [name for shard in asked["shards"] for name in shard["cells"]]
    assert sorted(names) == sorted(cell["name"] for cell in asked["cells"])
    assert "shards" not in plan.json("--accelerator", "cuda")
    said = plan("--shards", "3", "--only", "server-cpu-amd64")
    assert said.splitlines() == ["shard 1 of 1  1 cell, 30 s", "  server-cpu-amd64"]
