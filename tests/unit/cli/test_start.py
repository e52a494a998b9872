from __future__ import annotations

import sys
from pathlib import Path

from bakehouse.__main__ import main
from bakehouse.system import process


def loaded_by(*words: str) -> set[str]:
    """The modules that a command imports."""
    done = process.run([sys.executable, "-X", "importtime", "-m", "bakehouse", *words])
    found = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.stdout
    assert "bakehouse.cli.parser" in found
    return found


def test_help_loads_no_library_that_takes_longer_than_printing_it() -> None:
    assert not {"pydantic", "jinja2", "yaml", "requests", "python_on_whales"} & loaded_by("--help")


ONLY_OTHER_VERBS = {"numpy", "requests", "pypi_simple", "python_on_whales", "pytest"}
ONLY_FILES = {"jinja2", "bakehouse.planning.render", "bakehouse.bake", "bakehouse.model.report", "bakehouse.engine"}
"""What `plan` needs for --json, --write and --shards."""
ONLY_LINT = {"bakehouse.lint.stages", "bakehouse.lint.relations", "bakehouse.servers.llama_cpp.lint.source_tree"}
"""What `lint` needs for other files than the project's."""


def test_plan_loads_what_its_answer_needs(tmp_path: Path) -> None:
    assert main(["--root", str(tmp_path), "init"]) == 0
    loaded = loaded_by("--root", str(tmp_path), "plan")
    assert "pydantic" in loaded
    assert not (ONLY_OTHER_VERBS | ONLY_FILES | ONLY_LINT) & loaded


def test_a_plan_for_programs_renders_and_starts_nothing(tmp_path: Path) -> None:
    assert main(["--root", str(tmp_path), "init"]) == 0
    loaded = loaded_by("--root", str(tmp_path), "plan", "--json")
    assert "bakehouse.planning.render" in loaded
    assert not (ONLY_OTHER_VERBS | ONLY_LINT) & loaded
