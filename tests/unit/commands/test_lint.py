"""The verb: what it prints, how it ends, and what other commands make of it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bakehouse.commands.lint import Options, lint, refuse_errors
from bakehouse.commands.lint_packages import refuse_missing_packages
from bakehouse.commands.lint_project import mention_findings
from bakehouse.config.load import load_project
from bakehouse.errors import ExitCode, InputError, SupplyError
from bakehouse.lint.options import SourceOptions, load_options, save_options
from bakehouse.pipeline.context import Context
from bakehouse.planning.resolve import resolve
from bakehouse.supply.package_index import Index
from tests.unit.projects import matrix, recipe, write_project
from tests.unit.servers.llama_cpp.lint.facts import OPTIONS

REVISION = "0123456789" * 4
PINNED = OPTIONS.model_copy(update={"revision": REVISION})
DOCKERFILE = "FROM debian\nRUN cmake -B build -DGGML_NATIVE=OFF -DGGML_KUDA=ON\n"


def project(root: Path, *, options: SourceOptions | None = PINNED, cmake: dict[str, str] | None = None) -> Context:
    build = {
        "kind": "cmake",
        "source": "tree",
        "base": "debian",
        "packages": ["gcc"],
        "host_targets": ["server"],
        "cmake": cmake or {},
    }
    write_project(root, matrix=matrix(), recipes={"server": recipe(build=build, server="llama.cpp")}, templates={})
    if options is not None:
        save_options(root, "tree", options)
    said = Console(file=io.StringIO(), width=200)
    return Context(root=root, cache=root / "cache", environ={"BAKEHOUSE_OFFLINE": "1"}, console=said)


def run(context: Context, **options: Any) -> tuple[ExitCode, str]:
    out = Console(file=io.StringIO(), width=100)
    code = lint(context, Options(**options), out=out)
    assert isinstance(out.file, io.StringIO)
    return code, out.file.getvalue()


def said(context: Context) -> str:
    assert isinstance(context.console.file, io.StringIO)
    return context.console.file.getvalue()


def test_nothing_to_say(tmp_path: Path) -> None:
    code, text = run(project(tmp_path))
    assert code == ExitCode.OK
    assert text.endswith("no findings\n")
    assert "matrix.yaml (with its recipes): " in text, "it says what it looked at"


@pytest.mark.parametrize(
    ("name", "text", "code", "looked"),
    [
        ("Dockerfile", "FROM debian\nRUN cmake -B b -DGGML_CUDA_F16=ON\n", 1, "(Dockerfile): 1 CMake option"),
        ("compose.yaml", "services: {a: {image: llama-server, command: --port 80}}\n", 0, "(compose file): 2 words"),
        ("run.sh", "#!/bin/sh\nllama-server --port 8080\n", 0, "(script): 2 words of a server's command line"),
    ],
)
def test_files_by_what_is_in_them(tmp_path: Path, name: str, text: str, code: int, looked: str) -> None:
    context = project(tmp_path)
    file = tmp_path / name
    file.write_text(text)
    found, words = run(context, files=(file,))
    assert found == code, words
    assert looked in words


def test_command_lines(tmp_path: Path) -> None:
    code, text = run(project(tmp_path), cmake=("-DGGML_CUDA_F16=ON",), server=("--port 8080",))
    assert code == 1
    assert "--cmake\n       error    -DGGML_CUDA_F16=ON" in text
    assert "--server (server command line): 2 words" in text


def test_what_cannot_be_linted_is_refused(tmp_path: Path) -> None:
    context = project(tmp_path)
    file = tmp_path / "notes.py"
    file.write_text("print('hello')\n")
    with pytest.raises(InputError, match=r"a file of the kind .py cannot be linted"):
        run(context, files=(file,))


def test_an_error_ends_with_one(tmp_path: Path) -> None:
    code, text = run(project(tmp_path, cmake={"GGML_CUDA_F16": "ON"}))
    assert code == 1
    assert "recipes/server/recipe.yaml\n" in text
    assert "error    -DGGML_CUDA_F16=ON no longer exists" in text
    assert "build.cmake.GGML_CUDA_F16" in text
    assert text.endswith("1 error\n")


def test_warnings_alone_are_no_failure(tmp_path: Path) -> None:
    code, text = run(project(tmp_path, cmake={"GGML_NATIVE": "ON"}))
    assert code == 0
    assert text.endswith("1 warning\n")


def test_for_programs(tmp_path: Path) -> None:
    code, text = run(project(tmp_path, cmake={"GGML_KUDA": "ON"}), as_json=True)
    (found,) = json.loads(text)
    assert code == 1
    assert found == {
        "severity": "error",
        "file": "recipes/server/recipe.yaml",
        "line": found["line"],
        "key": "build.cmake.GGML_KUDA",
        "subject": "-DGGML_KUDA=ON",
        "what": "is not an option of this revision",
        "why": "CMake takes it without a word and nothing reads it.",
        "instead": "GGML_CUDA, if that is what was meant",
        "link": None,
    }


def test_a_dockerfile_instead_of_the_project(tmp_path: Path) -> None:
    context = project(tmp_path, cmake={"GGML_NATIVE": "ON"})
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    code, text = run(context, files=(path,))
    assert code == 1
    assert "    2  error    -DGGML_KUDA=ON is not an option of this revision" in text
    assert "GGML_NATIVE" not in text


def test_a_link_longer_than_the_line_stays_whole_and_hides_nothing(tmp_path: Path) -> None:
    context = project(tmp_path)
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE + 'ENV NVIDIA_VISIBLE_DEVICES=none\nENTRYPOINT ["llama-server"]\n')
    out = Console(file=io.StringIO(), width=50)
    lint(context, Options(files=(path,)), out=out)
    assert isinstance(out.file, io.StringIO)
    lines = out.file.getvalue().splitlines()
    assert any(line.startswith("    2  error    -DGGML_KUDA=ON") for line in lines)
    assert any(line.startswith("    3  error    NVIDIA_VISIBLE_DEVICES=none") for line in lines)
    assert any(len(line) > 100 and line.endswith("#driver-capabilities") for line in lines)
    assert all(line == line.rstrip() for line in lines)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    context = project(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, message in (("nowhere", "No such file"), (".", "Is a directory"), ("binary", "not text in UTF-8")):
        with pytest.raises(InputError, match=message):
            run(context, files=(tmp_path / name,))


def test_a_dockerfile_needs_known_options(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    with pytest.raises(InputError, match=r"lint --update"):
        run(project(tmp_path, options=None), files=(path,))


def test_what_an_image_says_of_itself(tmp_path: Path) -> None:
    context = project(tmp_path)
    names = [name for one in OPTIONS.arguments for name in (*one.names, *one.negated)]
    variables = {name: one.environment for one in OPTIONS.arguments for name in (*one.names, *one.negated)}
    text = "".join(f"{name} X\n{f'    (env: {variables[name]})' if variables[name] else ''}\n" for name in names)
    (tmp_path / "help").write_text(text)
    assert run(context, compare_help=str(tmp_path / "help")) == (ExitCode.OK, "--help and the source agree\n")
    (tmp_path / "help").write_text(text + "--brand-new\n")
    assert run(context, compare_help=str(tmp_path / "help")) == (
        ExitCode.CELL_FAILED,
        "--brand-new is in --help and not in the source\n",
    )


def test_an_update_reads_the_pinned_tree(tmp_path: Path) -> None:
    context = project(tmp_path, options=None)
    tree = tmp_path / "cache/sources/git" / REVISION / "tree"
    (tree / "common").mkdir(parents=True)
    (tree / "common/arg.cpp").write_text('add_opt(common_arg({"--metrics"}, "x", [](P & p) {}));')
    (tree / "CMakeLists.txt").write_text("option(GGML_CUDA x OFF)")
    assert run(context, update=True)[0] == 0
    kept = load_options(tmp_path, "tree")
    assert kept is not None
    assert kept.revision == REVISION
    assert list(kept.cmake.options) == ["GGML_CUDA"]
    assert "wrote options/tree.json" in said(context)
    run(context, update=True)
    assert "options/tree.json has not changed" in said(context)


def test_an_update_without_a_tree(tmp_path: Path) -> None:
    context = project(tmp_path)
    context = Context(
        root=context.root, cache=context.cache, environ={"BAKEHOUSE_OFFLINE": "1"}, console=context.console
    )
    with pytest.raises(SupplyError, match=r"no source tree \(tried: git https://example.org/tree.git \(not asked"):
        run(context, update=True)


def test_plan_mentions_it_in_a_line(tmp_path: Path) -> None:
    context = project(tmp_path, cmake={"GGML_CUDA_F16": "ON", "GGML_NATIVE": "ON"})
    mention_findings(context, load_project(tmp_path))
    assert said(context).endswith("lint: 1 error, 1 warning; `bakehouse lint` shows them\n")


def test_plan_is_silent_about_notes(tmp_path: Path) -> None:
    context = project(tmp_path, cmake={"GGML_CUDA_GRAPHS": "OFF"})
    assert "1 note" in run(context)[1]
    before = said(context)
    mention_findings(context, load_project(tmp_path))
    assert said(context) == before


def test_a_build_is_refused_before_it_begins(tmp_path: Path) -> None:
    project(tmp_path, cmake={"GGML_CUDA_F16": "ON", "GGML_NATIVE": "ON"})
    with pytest.raises(InputError) as caught:
        refuse_errors(load_project(tmp_path), ["server"])
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    assert str(caught.value).startswith("recipes/server/recipe.yaml:")
    assert "build.cmake.GGML_CUDA_F16: -DGGML_CUDA_F16=ON: no longer exists" in str(caught.value)
    assert "GGML_NATIVE" not in str(caught.value)
    refuse_errors(load_project(tmp_path), [])


@pytest.mark.parametrize("options", [None, PINNED.model_copy(update={"revision": "f" * 40})])
def test_nothing_is_refused_on_the_word_of_another_revision(tmp_path: Path, options: SourceOptions | None) -> None:
    project(tmp_path, options=options, cmake={"GGML_KUDA": "ON"})
    refuse_errors(load_project(tmp_path), ["server"])


def test_a_source_of_another_kind_is_passed_over(tmp_path: Path) -> None:
    context = project(tmp_path, options=None)
    (tmp_path / "cache/sources/git" / REVISION / "tree").mkdir(parents=True)
    assert run(context, update=True)[0] == 0
    assert "tree is no tree of llama.cpp" in said(context)


# ---------------------------------------------------------------------------------------------- packages


class Known:
    """An index of every archive."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def get(self, *_: object) -> Index:
        return Index(versions={name: frozenset({"1"}) for name in self.names}, provided=frozenset())


def test_packages_that_could_not_be_looked_up_are_said(tmp_path: Path) -> None:
    context = project(tmp_path)
    assert run(context)[0] == ExitCode.OK
    said = context.console.file
    assert isinstance(said, io.StringIO)
    assert "package names were not looked at: Debian trixie (amd64): " in said.getvalue()
    assert "BAKEHOUSE_OFFLINE is set" in said.getvalue()


def test_a_package_that_is_not_there_is_an_error_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = project(tmp_path)
    monkeypatch.setattr("bakehouse.commands.lint_packages.PackageIndexes", lambda **_: Known("gcc-14"))
    code, said = run(context)
    assert code == ExitCode.CELL_FAILED
    assert "gcc is not in Debian trixie (main), on which debian stands" in " ".join(said.split())
    loaded = load_project(tmp_path)
    cells = resolve(loaded.world).cells
    with pytest.raises(InputError, match=r"recipe\.yaml:\d+: build\.packages\[0\]: gcc: is not in Debian trixie"):
        refuse_missing_packages(context, loaded, cells)
    monkeypatch.setattr("bakehouse.commands.lint_packages.PackageIndexes", lambda **_: Known("gcc"))
    refuse_missing_packages(context, loaded, cells)
    assert run(context)[0] == ExitCode.OK
