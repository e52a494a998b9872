from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.config.layout import ProjectLayout
from bakehouse.config.load import load_document, load_project, validate
from bakehouse.errors import ExitCode
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.recipe import Recipe
from bakehouse.planning.resolve import resolve

SHIPPED = ProjectLayout(root=Path("/nowhere"))


class Init:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.capsys = root, capsys

    def __call__(self, *words: str, code: ExitCode = ExitCode.OK) -> str:
        assert main(["--root", str(self.root), "init", *words]) == code
        return self.capsys.readouterr().err

    def files(self) -> set[str]:
        return {path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture
def init(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Init:
    return Init(tmp_path / "project", capsys)


def test_an_empty_folder_becomes_a_project(init: Init) -> None:
    said = init()
    assert {"matrix.yaml", "noxfile.py", ".gitignore", "recipes/llama-server/recipe.yaml"} <= init.files()
    assert "next: bakehouse" in said.splitlines()[-1]
    project = load_project(init.root)
    assert project.world.shipped_folders == {}
    assert "cpu" in {cell.at.accelerator for cell in resolve(project.world).cells}
    compile((init.root / "noxfile.py").read_text(), "noxfile.py", "exec")


@pytest.mark.parametrize("name", sorted(SHIPPED.shipped_recipes()))
def test_each_recipe_that_ships_makes_a_project(init: Init, name: str) -> None:
    init("--recipe", name)
    shipped, world = load_project(SHIPPED.shipped).world, load_project(init.root).world
    assert set(world.recipes) == {name}
    assert {cell.at.recipe for cell in resolve(world).cells} == {name}
    for section in ("sources", "models"):
        rows = getattr(shipped.matrix, section)
        assert getattr(world.matrix, section).items() <= rows.items(), "the rows are the shipped ones"
    assert main(["--root", str(init.root), "plan"]) is ExitCode.OK
    accelerators = {cell.at.accelerator for cell in resolve(world).cells}
    first = f"{name}-cpu-" if AcceleratorName.CPU in accelerators else f"{name}-cuda"
    assert first in init.capsys.readouterr().out


def test_a_project_is_never_overwritten(init: Init) -> None:
    init()
    before = {name: (init.root / name).read_bytes() for name in init.files()}
    said = init(code=ExitCode.BAD_INPUT)
    assert "matrix.yaml: the file is there already" in said
    assert "--recipe NAME" in said
    assert "recipes/llama-server: it is there already" in init("--recipe", "llama-server", code=ExitCode.BAD_INPUT)
    assert before == {name: (init.root / name).read_bytes() for name in init.files()}


def test_one_file_in_the_way_stops_all(init: Init) -> None:
    (init.root / "recipes/llama-server").mkdir(parents=True)
    (init.root / "recipes/llama-server/mine.txt").write_text("")
    assert "recipes/llama-server: it is there already" in init(code=ExitCode.BAD_INPUT)
    assert init.files() == {"recipes/llama-server/mine.txt"}


def test_a_link_to_nothing_is_in_the_way(init: Init) -> None:
    init.root.mkdir()
    (init.root / "matrix.yaml").symlink_to("elsewhere.yaml")
    assert "matrix.yaml: the file is there already" in init(code=ExitCode.BAD_INPUT)
    assert not (init.root / "elsewhere.yaml").exists()


def test_a_repository_keeps_its_own_noxfile_and_gitignore(init: Init) -> None:
    init.root.mkdir()
    (init.root / ".gitignore").write_text("*.log\n")
    (init.root / "noxfile.py").write_text("import nox\n")
    said = init()
    assert ".gitignore is there already and stays as it is" in said
    assert "/reports/*" in said
    assert "noxfile.py is there already and stays as it is" in said
    assert (init.root / ".gitignore").read_text() == "*.log\n"


def test_a_recipe_and_a_template_are_copied_to_a_project(init: Init) -> None:
    init.root.mkdir()
    (init.root / "matrix.yaml").write_text("version: 1\nsources:\n  llama-cpp: {}\n")
    said = init("--recipe", "llama-server", "--template", "llama-server", "--template", "shared/cmake.j2")
    assert {"dockerfiles/llama-server.Dockerfile.j2", "dockerfiles/shared/cmake.j2"} <= init.files()
    assert "noxfile.py" not in init.files()
    for name in init.files() - {"matrix.yaml"}:
        assert (init.root / name).read_bytes() == (SHIPPED.shipped / name).read_bytes()
    assert "add below `models:`" in said, "the matrix has the recipe's source, and not its model"
    assert "add below `sources:`" not in said


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--recipe", "llama-serve"), "Perhaps you meant 'llama-server'."),
        (("--recipe", "../recipes/llama-server"), "llama-server"),
        (("--template", "llama-serve"), "Perhaps you meant 'llama-server'."),
        (("--template", "../matrix.yaml"), "There is: "),
    ],
)
def test_what_does_not_ship(init: Init, words: tuple[str, ...], hint: str) -> None:
    said = init(*words, code=ExitCode.BAD_INPUT)
    assert f"{words[0]} {words[1]}: bakehouse ships no such" in said
    assert hint in said
    assert not init.root.exists(), "nothing was written"


def test_a_server_of_ones_own_begins_as_one_that_runs(init: Init) -> None:
    said = init("--server", "word-count")
    assert "lock --requirements word-count" in said.splitlines()[-1]
    folder, server = "recipes/word-count", "app/word_count_server/__main__.py"
    assert {"matrix.yaml", *(f"{folder}/{name}" for name in ("recipe.yaml", "requirements.in", server))} <= init.files()
    compile((init.root / folder / server).read_text(), server, "exec")
    recipe = validate(load_document(init.root / folder / "recipe.yaml", root=init.root), Recipe)
    assert recipe.runtime.entrypoint[-1] == "word_count_server"
    assert main(["--root", str(init.root), "plan"]) is ExitCode.BAD_INPUT
    assert "`bakehouse lock --requirements word-count`" in init.capsys.readouterr().err
    assert f"{folder}: it is there already" in init("--server", "word-count", code=ExitCode.BAD_INPUT)


def test_a_server_joins_a_project(init: Init) -> None:
    init()
    assert "ships with bakehouse" in init("--server", "embedder", code=ExitCode.BAD_INPUT)
    assert "no name for a recipe" in init("--server", "Word_Count", code=ExitCode.BAD_INPUT)
    init("--server", "word-count")
    assert {path.name for path in (init.root / "recipes").iterdir()} == {"llama-server", "word-count"}
