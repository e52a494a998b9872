from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bakehouse.config.catalogue import shipped
from bakehouse.config.load import load_project
from bakehouse.errors import InputError
from bakehouse.model.lock import Lock
from bakehouse.pipeline.affected import Affected
from bakehouse.pipeline.changed_since import RENDERING, find_affected
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.planning.resolve import resolve
from bakehouse.system import process
from tests.unit.projects import matrix, recipe, write_project
from tests.unit.test_layers import imported, is_under, modules

TEMPLATE = "FROM {{ cell.runtime_base }}\nRUN make {{ cell.flag_set.cmake.values() | words }}\n"
MATRIX = matrix(
    flag_sets={
        "default": {"summary": "plain", "accelerators": ["cpu"]},
        "fast": {"summary": "fast", "accelerators": ["cpu"], "cmake": {"FAST": "ON"}},
    },
    axes={"accelerator": ["cpu"], "flag_set": ["default", "fast"], "platform": ["linux/amd64"]},
)
RECIPES = {"server": recipe(), "other": recipe(template="other.Dockerfile.j2")}
OTHERS = ("other-cpu-amd64", "other-cpu-fast-amd64")
SERVERS = ("server-cpu-amd64", "server-cpu-fast-amd64")


class Repository:
    """A project in a git repository, with one commit."""

    def __init__(self, top: Path, project: Path) -> None:
        self.top, self.project = top, project
        who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        self.environ: Mapping[str, str] = {**os.environ, **who}
        self.git("init", "--quiet")
        self.write()
        self.commit()

    def write(self, *, matrix: dict[str, Any] = MATRIX, recipes: dict[str, Any] | None = None) -> None:
        """Write the YAML files and templates anew."""
        for folder in ("recipes", "dockerfiles"):
            for path in sorted((self.project / folder).rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            if (self.project / folder).exists():
                (self.project / folder).rmdir()
        templates = {"server.Dockerfile.j2": TEMPLATE, "other.Dockerfile.j2": TEMPLATE}
        write_project(self.project, matrix=matrix, recipes=RECIPES if recipes is None else recipes, templates=templates)

    def file(self, name: str, text: str) -> None:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def git(self, *words: str) -> str:
        return process.run(["git", *words], cwd=self.top, env=self.environ).stdout.strip()

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "x")

    def affected(self, revision: str = "HEAD", **environ: str) -> Affected:
        world = load_project(self.project).world
        return find_affected(self.project, revision, world=world, environ={**self.environ, **environ})


@pytest.fixture(params=["", "images"], ids=["at the top", "in a folder"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    project = tmp_path / request.param
    project.mkdir(exist_ok=True)
    return Repository(tmp_path, project)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path, tmp_path)


def test_nothing_changed(anywhere: Repository) -> None:
    found = anywhere.affected()
    assert (found.why, found.gone, found.everything_because) == ({}, (), None)
    assert found.commit == anywhere.git("rev-parse", "HEAD")


def test_a_template_affects_the_cells_that_render_it(anywhere: Repository) -> None:
    anywhere.file("dockerfiles/other.Dockerfile.j2", TEMPLATE + "USER nobody\n")
    expected = dict.fromkeys(OTHERS, ("Dockerfile",))
    assert anywhere.affected().why == expected, "before the commit"
    anywhere.commit()
    assert anywhere.affected("HEAD~1").why == expected
    assert anywhere.affected("HEAD").why == {}


def test_a_comment_affects_nothing(repository: Repository) -> None:
    for name in ("matrix.yaml", "recipes/server/recipe.yaml"):
        text = (repository.project / name).read_text()
        repository.file(name, f"# a comment\n{text}")
    repository.file("dockerfiles/server.Dockerfile.j2", "{# a remark #}" + TEMPLATE)
    assert repository.affected().why == {}


def test_a_flag_set_affects_its_cells(repository: Repository) -> None:
    flag_sets = MATRIX["flag_sets"] | {"fast": MATRIX["flag_sets"]["fast"] | {"cmake": {"FAST": "VERY"}}}
    repository.write(matrix=MATRIX | {"flag_sets": flag_sets})
    assert set(repository.affected().why) == {"other-cpu-fast-amd64", "server-cpu-fast-amd64"}


@pytest.mark.parametrize(
    ("file", "what"),
    [("recipes/server/healthcheck.c", "recipe's files"), ("recipes/server/tests/test_it.py", "recipe's tests")],
)
def test_a_recipes_files_affect_its_cells(file: str, what: str, repository: Repository) -> None:
    repository.file(file, "new\n")
    assert repository.affected().why == dict.fromkeys(SERVERS, (what,))
    repository.commit()
    repository.file(file, "changed\n")
    assert repository.affected().why == dict.fromkeys(SERVERS, (what,))
    (repository.project / file).unlink()
    assert repository.affected().why == dict.fromkeys(SERVERS, (what,))


def test_what_git_ignores_affects_nothing(repository: Repository) -> None:
    repository.file(".gitignore", "__pycache__/\n")
    repository.commit()
    repository.file("recipes/server/tests/__pycache__/test_it.pyc", "x")
    assert repository.affected().why == {}


def test_probes_and_limits_affect_a_recipe(repository: Repository) -> None:
    changed = recipe(probes={"memory_limit": "8 GiB"}, runtime=RECIPES["server"]["runtime"] | {"size_budget": "1 GiB"})
    repository.write(recipes=RECIPES | {"server": changed})
    assert repository.affected().why == dict.fromkeys(SERVERS, ("probes", "limits"))


def test_a_pin_affects_what_stands_on_it(repository: Repository) -> None:
    tag, digest = "docker.io/library/debian:trixie-slim", "sha256:" + "0" * 64
    repository.file(
        "bakehouse.lock", f"version: 1\nbases: {{debian: {{reference: '{tag}', digest: '{digest}'}}}}\nfiles: {{}}\n"
    )
    assert set(repository.affected().why.values()) == {("bake target",)}


def test_new_and_gone_cells(repository: Repository) -> None:
    repository.write(recipes={"server": RECIPES["server"], "third": RECIPES["other"]})
    found = repository.affected()
    assert found.why == dict.fromkeys(("third-cpu-amd64", "third-cpu-fast-amd64"), ("new",))
    assert found.gone == OTHERS


def test_the_suite_affects_everything(anywhere: Repository) -> None:
    anywhere.file("tests/images/test_new.py", "x\n")
    found = anywhere.affected()
    assert found.everything_because == "tests/images/test_new.py changed, and the suite asks every image"
    assert set(found.why) == {*OTHERS, *SERVERS}


def test_files_that_todays_classes_cannot_read_affect_everything(repository: Repository) -> None:
    good = (repository.project / "matrix.yaml").read_text()
    repository.file("matrix.yaml", good + "colour: blue\n")
    repository.commit()
    repository.file("matrix.yaml", good)
    found = repository.affected()
    assert found.everything_because is not None
    assert "the project at HEAD cannot be planned by this version: " in found.everything_because
    assert "unknown key 'colour'" in found.everything_because
    assert set(found.why) == {*OTHERS, *SERVERS}


def test_a_revision_before_the_project(repository: Repository) -> None:
    repository.git("rm", "--quiet", "--cached", "-r", "matrix.yaml")
    repository.git("commit", "--quiet", "--message", "x")
    found = repository.affected()
    assert found.everything_because is not None
    assert "it has no matrix.yaml" in found.everything_because


def test_code_that_renders_is_asked_itself(repository: Repository) -> None:
    """A stand-in for the package prints a plan that differs in one Dockerfile."""
    repository.file("src/bakehouse/__init__.py", "")
    repository.file("src/bakehouse/planning/__init__.py", "")
    repository.file("src/bakehouse/__main__.py", OLD_CODE)
    world = load_project(repository.project).world
    plan = make_plan(
        root=repository.project,
        world=world,
        cells=resolve(world).cells,
        excluded=(),
        supplies=published_supplies(world, Lock()),
    )
    dockerfiles = plan.dockerfiles | {"server-cpu-amd64.Dockerfile": "FROM debian\n"}
    repository.file("src/bakehouse/plan.json", json.dumps({"dockerfiles": dockerfiles, "bake": plan.bake}))
    repository.commit()
    assert repository.affected().why == {}, "the code is the same, so today's is asked"
    repository.file("src/bakehouse/planning/__init__.py", "# changed\n")
    assert set(repository.affected().why) == {"server-cpu-amd64"}
    repository.file("src/bakehouse/planning/__init__.py", "")
    repository.file("src/bakehouse/__main__.py", "import sys; sys.exit('broken')\n")
    repository.file("src/bakehouse/prove.py", "")
    assert repository.affected().why == {}, "what does not render is not counted"
    repository.commit()
    repository.file("src/bakehouse/planning/__init__.py", "# changed\n")
    because = repository.affected().everything_because
    assert because is not None
    assert "broken" in because


OLD_CODE = """
import json, pathlib, sys
assert sys.argv[1:4:2] == ["--root", "plan"] and pathlib.Path(sys.argv[2], "matrix.yaml").exists()
print(pathlib.Path(sys.argv[2], "src/bakehouse/plan.json").read_text())
"""


def test_the_older_revision_has_the_catalogue_of_its_own_code(repository: Repository) -> None:
    """Today's files have the installed package's; a project that holds bakehouse's code has the older one, too."""
    bases = copy.deepcopy(next(document.value["bases"] for document in shipped() if "bases" in document.value))
    for section in ("toolkits", "archs", "gpus"):
        repository.file(f"src/bakehouse/catalogue/{section}.yaml", f"{section}: {{}}\n")
    repository.file("src/bakehouse/catalogue/bases.yaml", yaml.safe_dump({"bases": bases}))
    recipes = {"server": recipe(build=RECIPES["server"]["build"] | {"base": "debian-trixie"})}
    repository.write(matrix=MATRIX | {"catalogue": True}, recipes=recipes)
    repository.commit()
    assert repository.affected().why == {}

    bases["debian-trixie"]["places"] = [{"registry": "example.org/debian:old"}]
    repository.file("src/bakehouse/catalogue/bases.yaml", yaml.safe_dump({"bases": bases}))
    repository.commit()
    assert repository.affected().why == dict.fromkeys(SERVERS, ("bake target", "places"))


def test_no_repository(tmp_path: Path) -> None:
    write_project(tmp_path)
    world = load_project(tmp_path).world
    environ = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    with pytest.raises(InputError, match=r"--affected-since: fatal: not a git repository"):
        find_affected(tmp_path, "HEAD", world=world, environ=environ)


@pytest.mark.parametrize("revision", ["nowhere", "--all", "HEAD~9", "HEAD:matrix.yaml"])
def test_an_unknown_revision(revision: str, repository: Repository) -> None:
    with pytest.raises(InputError, match=r"git knows no such revision here\n  git fetch it first"):
        repository.affected(revision)


def test_a_hooks_variables_and_its_hooks_are_left_alone(repository: Repository, tmp_path: Path) -> None:
    hook = repository.top / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    index = repository.git("ls-files", "--stage")
    assert repository.affected(GIT_DIR="/nowhere", GIT_INDEX_FILE="/nowhere/index").why == {}
    assert repository.git("ls-files", "--stage") == index
    assert repository.git("status", "--porcelain") == ""
    assert not (tmp_path / "ran").exists()


def test_all_code_that_a_plan_is_made_by_counts_as_rendering() -> None:
    """Rooms move; these are strings. Messages and the doors of packages decide nothing."""
    needed, waiting = set[str](), ["planning/planner", "planning/resolve", "config/load"]
    while waiting:
        name = waiting.pop()
        while name and name not in modules():  # what a package says in its `__init__`
            name = name.rpartition("/")[0]
        if name and name not in needed:
            needed.add(name)
            waiting += [one.removeprefix("bakehouse/") for one in imported(modules()[name])]
    folders = [name.rstrip("/") for name in RENDERING]
    assert all(any(is_under(name, [folder]) for name in needed) for folder in folders)
    assert {name for name in needed if not is_under(name, folders)} <= {"errors", "formatting", "catalogue"}
