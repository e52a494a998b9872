from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakehouse.config.load import load_project, validate
from bakehouse.config.yaml_document import parse
from bakehouse.errors import InputError
from bakehouse.model.matrix import Matrix
from bakehouse.model.recipe import Recipe
from bakehouse.planning.resolve import resolve
from tests.unit.projects import matrix, recipe, write_project


def test_all_errors_of_all_files_come_at_once(tmp_path: Path) -> None:
    write_project(tmp_path, matrix=matrix(bses={}), recipes={"one": recipe(sumary="x"), "two": recipe(template="x")})
    with pytest.raises(InputError) as caught:
        load_project(tmp_path)
    text = str(caught.value)
    assert "unknown key 'bses'\n  Perhaps you meant 'bases'." in text
    assert "recipes/one/recipe.yaml" in text
    assert "recipes/two/recipe.yaml:2: template: 'x' is not allowed here" in text


def test_a_version_that_yaml_reads_as_a_number_is_shown_as_written(tmp_path: Path) -> None:
    toolkit = {"accelerator": "cuda", "version": "VERSION", "build_base": "debian", "runtime_base": "debian"}
    write_project(tmp_path, matrix=matrix(toolkits={"cuda12": toolkit}))
    file = tmp_path / "matrix.yaml"
    file.write_text(file.read_text().replace("VERSION", "12.10"))
    with pytest.raises(InputError) as caught:
        load_project(tmp_path)
    assert "toolkits.cuda12.version: must be text, but YAML reads 12.10 as a number" in str(caught.value)
    assert 'Write "12.10" in quotes.' in str(caught.value)


def test_a_missing_matrix_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"matrix\.yaml: the file does not exist\n  Run this in the project's folder"):
        load_project(tmp_path)


def test_a_recipe_with_a_bad_name_is_refused(tmp_path: Path) -> None:
    write_project(tmp_path, recipes={"Bad_Name": recipe()})
    with pytest.raises(InputError, match="'Bad_Name' is no name for a recipe"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"axes": {"accelerator": ["cpu"], "flag_set": [], "platform": ["linux/amd64"]}}, "axes.flag_set"),
        (
            {"axes": {"accelerator": ["tpu"], "flag_set": ["default"], "platform": ["linux/amd64"]}},
            "axes.accelerator[0]",
        ),
        ({"version": 2}, "version: must be 1"),
        ({"version": "1"}, "version: must be a whole number"),
        ({"version": True}, "version: must be a whole number"),
        ({"version": 1.0}, "version: must be a whole number"),
        ({"bases": {}}, "bases: "),
        ({"flag_sets": {"a_b": {"summary": "x", "accelerators": ["cpu"]}}}, "flag_sets.a_b"),
        ({"exclude": [{"when": {"colour": "red"}, "reason": "x"}]}, "exclude[0].when"),
        ({"bases": {"debian": {"os": "d", "platforms": ["linux/amd64"], "places": [{"registri": "x"}]}}}, "registri"),
    ],
)
def test_wrong_values_are_placed(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    write_project(tmp_path, matrix=matrix(**change))
    with pytest.raises(InputError) as caught:
        load_project(tmp_path)
    assert message in str(caught.value)
    assert "matrix.yaml:" in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def _outcome(work: Callable[[], object]) -> str:
    """`fine`, or the words of an InputError; anything else that is raised fails the test."""
    try:
        work()
    except InputError as error:
        return str(error)
    return "fine"


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [path, *(found for key, child in children for found in _paths(child, (*path, key)))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(data=st.data())
def test_damaged_files_never_give_a_traceback(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Replace any value of a valid project by anything: it loads and resolves, or it is an InputError."""
    files: dict[str, Any] = {"matrix": matrix(), "recipe": recipe()}
    which = data.draw(st.sampled_from(["matrix", "recipe"]))
    path = data.draw(st.sampled_from(_paths(files[which])))
    value = data.draw(json_values)
    if path:
        parent = files[which]
        for part in path[:-1]:
            parent = parent[part]
        parent[path[-1]] = value
    else:
        files[which] = value
    root = write_project(
        tmp_path_factory.mktemp("p"), matrix=files["matrix"], recipes={"server": files["recipe"]}, templates={}
    )
    assert _outcome(lambda: resolve(load_project(root).world))


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet="abc:-[]{}&*!|>'\"#%@ \n\t0.", max_size=80))
def test_noise_never_gives_a_traceback(text: str) -> None:
    for model in (Matrix, Recipe):
        outcome = _outcome(lambda model=model: validate(parse(text, file="x.yaml"), model))  # type: ignore[misc]
        assert outcome == "fine" or outcome.startswith("x.yaml")


def test_what_is_no_file_of_a_person_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "matrix.yaml")
    with pytest.raises(InputError, match=r"matrix\.yaml: is no regular file"):
        load_project(tmp_path)
    (tmp_path / "matrix.yaml").unlink()
    (tmp_path / "matrix.yaml").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="is no regular file"):
        load_project(tmp_path)
    (tmp_path / "matrix.yaml").unlink()
    (tmp_path / "matrix.yaml").write_text("# \n" * (1 << 20))
    with pytest.raises(InputError, match="more than 1 MiB"):
        load_project(tmp_path)


def test_a_thousand_mistakes_are_told_in_a_page(tmp_path: Path) -> None:
    write_project(tmp_path, matrix=matrix(exclude=[{"when": {"arch": "x"}, "raeson": "x"}] * 3000))
    with pytest.raises(InputError) as caught:
        load_project(tmp_path)
    assert len(str(caught.value).splitlines()) < 200


def test_a_name_that_is_wrong_a_thousand_times_is_told_once(tmp_path: Path) -> None:
    """Each error lists what there is instead."""
    write_project(
        tmp_path, matrix=matrix(axes={"accelerator": ["cpu"], "flag_set": ["a"] * 1000, "platform": ["linux/amd64"]})
    )
    with pytest.raises(InputError) as caught:
        resolve(load_project(tmp_path).world)
    assert len(str(caught.value)) < 2_000


def test_a_spelling_is_shown_as_a_terminal_can(tmp_path: Path) -> None:
    write_project(tmp_path)
    file = tmp_path / "matrix.yaml"
    file.write_text(file.read_text().replace("summary: plain", 'summary: !!null "\\e[2J"'))
    with pytest.raises(InputError, match=r"reads '.x1b.2J' as nothing") as caught:
        load_project(tmp_path)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("server", "health", "path"),
    [
        ("kserve-v2", {}, "/v2/health/ready"),
        ("openai", {"start_period": 60.0}, "/health"),
        ("kserve-v2", {"path": "/ready"}, "/ready"),
    ],
)
def test_health_is_asked_where_the_family_of_servers_answers(
    tmp_path: Path, server: str, health: dict[str, object], path: str
) -> None:
    root = write_project(tmp_path, recipes={"server": recipe(server=server, probes={"health": health})})
    assert load_project(root).world.recipes["server"].probes.health.path == path
