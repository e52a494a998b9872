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


def test_plan_loads_nothing_that_only_builds_and_measurements_need(tmp_path: Path) -> None:
    assert main(["--root", str(tmp_path), "init"]) == 0
    loaded = loaded_by("--root", str(tmp_path), "plan")
    assert "pydantic" in loaded
    assert not {"numpy", "requests", "pypi_simple", "python_on_whales", "pytest"} & loaded
