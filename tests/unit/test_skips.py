"""What a session says of tests that did not run, and when it fails for them: a pytest of its own with our hooks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bakehouse.system import process

ROOT = Path(__file__).parents[2]
FILE = """
import pytest

def test_runs(): pass
@pytest.mark.parametrize("n", [1, 2])
def test_tool(n): pytest.skip("promtool is not installed")
def test_root(): pytest.skip("needs root: the embedded engine")
"""


def run(folder: Path, *words: str, **environ: str) -> process.Completed:
    (folder / "test_some.py").write_text(FILE)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    env = {key: value for key, value in os.environ.items() if key != "CI" and not key.startswith("PYTEST_")}
    env |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | environ
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider", *words]
    return process.run(command, cwd=folder, env=env, check=False, timeout=120)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_ci_takes_no_skip_that_could_have_run(tmp_path: Path, workers: tuple[str, ...]) -> None:
    done = run(tmp_path, *workers, CI="true")
    assert done.code == 1, done.stdout
    assert "2 tests did not run: promtool is not installed (this must not be skipped in CI)" in done.stdout
    assert "1 test did not run: needs root: the embedded engine\n" in done.stdout


def test_elsewhere_it_is_said(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.code == 0, done.stdout
    assert "2 tests did not run: promtool is not installed\n" in done.stdout


def test_ci_takes_what_the_machine_is(tmp_path: Path) -> None:
    assert run(tmp_path, "-k", "root or runs", CI="true").code == 0


def test_no_test_steps_aside_for_a_package() -> None:
    """The extra `dev` installs what tests import: where it is missing, that is an error."""
    word = "import" + "orskip"
    files = [path for path in (ROOT / "tests").rglob("*.py") if word in path.read_text(encoding="utf-8")]
    assert not files, "import it at the top of the file, and name it in pyproject.toml's `dev` or `services`"
