"""The project's own files, with the line of every finding; and what is kept beside the lockfile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bakehouse.config.load import load_project
from bakehouse.errors import InputError
from bakehouse.lint.finding import Finding
from bakehouse.lint.options import SourceOptions, load_options, render_options, save_options
from bakehouse.servers.llama_cpp.lint.project import check_project
from bakehouse.servers.llama_cpp.lint.source_tree import read_tree
from tests.unit.projects import matrix, recipe, write_project
from tests.unit.servers.llama_cpp.lint.facts import KNOWLEDGE, OPTIONS

REVISION = "0123456789" * 4
PINNED = OPTIONS.model_copy(update={"revision": REVISION})


def check(
    root: Path, *, options: SourceOptions | None = PINNED, matrix: dict[str, Any] | None = None, **recipe_: Any
) -> list[str]:
    """`line key: subject what`, with the line's own text to see that it is the right one."""
    files = {"recipes": {"server": recipe(**recipe_)}} | ({"matrix": matrix} if matrix else {})
    project = load_project(write_project(root, **files, templates={}))
    return [_told(root, one) for one in check_project(project, {"tree": options}, KNOWLEDGE, recipes=["server"])]


def _told(root: Path, one: Finding) -> str:
    assert one.where.line is not None
    line = (root / one.where.file).read_text().splitlines()[one.where.line - 1].strip()
    return f"{one.severity} {one.where.key}: {one.what} | {line}"


def build(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "cmake",
        "source": "tree",
        "base": "debian",
        "packages": ["gcc"],
        "host_targets": ["server"],
    } | changes


def runtime(**changes: Any) -> dict[str, Any]:
    return {"port": 8080, "entrypoint": ["/app/llama-server"], "size_budget": "100 MiB"} | changes


def test_options_of_every_step(tmp_path: Path) -> None:
    found = check(
        tmp_path,
        build=build(
            cmake={"GGML_CUDA_F16": "ON"}, host_cmake={"GGML_CUDA": "Offf"}, plugin_cmake={"GGML_NATIVE": "ON"}
        ),
    )
    assert found == [
        "error build.cmake.GGML_CUDA_F16: no longer exists since August 2025 | GGML_CUDA_F16: 'ON'",
        "error build.host_cmake.GGML_CUDA: is neither ON nor OFF | GGML_CUDA: Offf",
        "warning build.plugin_cmake.GGML_NATIVE: does harm in an image | GGML_NATIVE: 'ON'",
    ]


def test_flag_sets_are_judged_with_the_backend_that_they_are_built_with(tmp_path: Path) -> None:
    flags = {
        "default": {"summary": "plain", "accelerators": ["cpu", "cuda"]},
        "mmq": {"summary": "mmq", "accelerators": ["cuda"], "cmake": {"GGML_CUDA_FORCE_MMQ": "ON"}},
        "late": {"summary": "late", "extends": "mmq", "accelerators": ["cpu"], "cmake": {"GGML_CUDA_FORCE_MMX": "ON"}},
    }
    backend = {"cmake": {"GGML_CUDA": "ON"}, "plugins": ["ggml-cuda"]}
    found = check(
        tmp_path,
        matrix=matrix(flag_sets=flags),
        accelerators=["cpu", "cuda"],
        build=build(backends={"cuda": backend}),
    )
    assert found == [
        "error flag_sets.late.cmake.GGML_CUDA_FORCE_MMX: is not an option of this revision | GGML_CUDA_FORCE_MMX: 'ON'",
    ]


def test_the_command_its_variables_and_the_probes_arguments(tmp_path: Path) -> None:
    found = check(
        tmp_path,
        runtime=runtime(command=["--port", "80", "--mlock"], env={"LLAMA_ARG_PORT": "80", "LLAMA_ARG_PROT": "80"}),
        probes={"args": ["--flash-attn"]},
    )
    assert found == [
        "warning runtime.command[0]: overrides LLAMA_ARG_PORT of the same image | - --port",
        "error runtime.command[2]: no longer exists | - --mlock",
        "error runtime.env.LLAMA_ARG_PROT: is read by nothing | LLAMA_ARG_PROT: '80'",
        "error probes.args[0]: needs a value | - --flash-attn",
    ]


def test_arguments_of_another_program_are_its_own_business(tmp_path: Path) -> None:
    assert check(tmp_path, runtime=runtime(entrypoint=["/app/other"], command=["--mlock"])) == []


@pytest.mark.parametrize("options", [None, PINNED.model_copy(update={"revision": "f" * 40})])
def test_options_of_another_revision(tmp_path: Path, options: SourceOptions | None) -> None:
    assert check(tmp_path, options=options) == [
        f"warning sources.tree.revision: its options are not known | revision: {REVISION}"
    ]


def test_only_the_recipes_that_are_asked_for(tmp_path: Path) -> None:
    bad = recipe(build=build(cmake={"GGML_CUDA_F16": "ON"}))
    project = load_project(write_project(tmp_path, recipes={"good": recipe(), "bad": bad}, templates={}))
    assert check_project(project, {"tree": PINNED}, KNOWLEDGE, recipes=["good"]) == ()


# ---------------------------------------------------------------------------------------------- what is kept


def test_what_is_kept_is_read_back_and_written_once(tmp_path: Path) -> None:
    assert load_options(tmp_path, "tree") is None
    assert save_options(tmp_path, "tree", OPTIONS)
    assert load_options(tmp_path, "tree") == OPTIONS
    assert not save_options(tmp_path, "tree", OPTIONS)


def test_one_option_a_line(tmp_path: Path) -> None:
    lines = render_options(OPTIONS).splitlines()
    (line,) = [line for line in lines if "GGML_MODE" in line]
    assert '"choices": ["none", "size"]' in line


def test_a_broken_file_says_how_to_mend_it(tmp_path: Path) -> None:
    save_options(tmp_path, "tree", OPTIONS)
    (tmp_path / "options/tree.json").write_text('{"version": 1, "revision": 5}')
    with pytest.raises(InputError, match=r"revision: Input should be a valid string") as caught:
        load_options(tmp_path, "tree")
    assert caught.value.hint is not None
    assert "bakehouse lint --update" in caught.value.hint


def test_reading_a_tree(tmp_path: Path) -> None:
    for name, text in {
        "CMakeLists.txt": "option(LLAMA_CURL_FREE x ON)",
        "ggml/CMakeLists.txt": "option(GGML_CUDA x OFF)",
        "common/arg.cpp": 'add_opt(common_arg({"--metrics"}, "x", [](P & p) {}).set_env("LLAMA_ARG_METRICS"));',
        "ggml/src/ggml-cuda/a.cu": 'bool f() { return getenv("GGML_CUDA_P2P") != nullptr; } // getenv("GGML_NOT")',
        "src/b.cpp": 'const char * h = std::getenv("HF_TOKEN"); int n = get_env_int("GGML_SYCL_DEBUG", 0);',
        "tests/c.cpp": 'getenv("LLAMA_TEST_ONLY");',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = read_tree(tmp_path, revision=REVISION)
    assert sorted(found.cmake.options) == ["GGML_CUDA", "LLAMA_CURL_FREE"]
    assert [one.names for one in found.arguments] == [("--metrics",)]
    assert found.environment == ("GGML_CUDA_P2P", "GGML_SYCL_DEBUG", "HF_TOKEN", "LLAMA_ARG_METRICS")


def test_a_tree_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no common/arg.cpp"):
        read_tree(tmp_path, revision=REVISION)
