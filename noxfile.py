"""Sessions: install, then `python -m bakehouse VERB`. What follows `--` goes on to the verb.

nox -s build-matrix        bake, prove, start, measure, report: the cells this machine can run
nox -s tests               unit, golden, property, project and engine tests
nox -s bench -- --gpu cpu  measure only
nox                        lint and tests
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "tests"]
nox.options.default_venv_backend = "none"
nox.options.stop_on_first_error = True

HERE = Path(__file__).parent
SHARED = HERE / ".nox" / "bakehouse"
"""One environment for all sessions, made and kept here: the second session starts at once."""

# The bootstrap in the README runs nox from a folder named by PYTHONPATH; what runs in the environment must not see it.
CLEAN = {"PYTHONPATH": ""}


def _run(session: nox.Session, program: str, *words: str) -> None:
    """Run a program of the shared environment."""
    session.run(str(SHARED / "bin" / program), *words, env=CLEAN, external=True)


def _install(session: nox.Session, *extras: str) -> None:
    """Install the project, editable, unless the shared environment has it for the same Python and pyproject.toml."""
    stamp = SHARED / "installed.json"
    made_for = {
        "project": hashlib.sha256((HERE / "pyproject.toml").read_bytes()).hexdigest(),
        "folder": str(HERE),
        "python": sys.version,
    }
    had = json.loads(stamp.read_text(encoding="utf-8")) if stamp.is_file() else {}
    fits = had.get("made_for") == made_for
    if fits and set(had["extras"]) >= set(extras):
        return
    if not fits:
        clear = ("--clear",) if had.get("made_for", {}).get("python") != sys.version else ()
        session.run(sys.executable, "-m", "virtualenv", "--quiet", *clear, str(SHARED), external=True)
    wanted = sorted({*had.get("extras", ()), *extras})
    stamp.unlink(missing_ok=True)
    _run(session, "python", "-m", "pip", "install", "--quiet", "-e", f".[{','.join(wanted)}]" if wanted else ".")
    stamp.write_text(json.dumps({"made_for": made_for, "extras": wanted}), encoding="utf-8")


def _bakehouse(session: nox.Session, *words: str) -> None:
    _install(session)
    _run(session, "python", "-m", "bakehouse", *words, *session.posargs)


@nox.session
def plan(session: nox.Session) -> None:
    """What would be built and why: -- --gpu CARD, -- --driver VERSION, -- --explain CELL, -- --json."""
    _bakehouse(session, "plan")


@nox.session(name="build-matrix")
def build_matrix(session: nox.Session) -> None:
    """Bake, prove, start, measure and report the cells this machine can run."""
    _bakehouse(session, "build-matrix")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure images here: -- --gpu cpu, -- --gpu rtx5090."""
    _bakehouse(session, "bench")


@nox.session
def stack(session: nox.Session) -> None:
    """Services that run together: -- NAME; -- NAME --check, --render FOLDER, --up, --down."""
    _bakehouse(session, "stack")


@nox.session
def report(session: nox.Session) -> None:
    """Draw the latest run's reports again."""
    _bakehouse(session, "report")


@nox.session
def publish(session: nox.Session) -> None:
    """Push what passed and move a channel to it: -- --dry-run, -- --channel stable, -- --list."""
    _bakehouse(session, "publish")


@nox.session
def lock(session: nox.Session) -> None:
    """Pin what the matrix's names stand for today."""
    _install(session, "lock")
    _run(session, "python", "-m", "bakehouse", "lock", *session.posargs)


@nox.session
def engine(session: nox.Session) -> None:
    """Run a program with the engine that runs use: -- docker images; without one: a shell."""
    _bakehouse(session, "engine")


@nox.session
def schema(session: nox.Session) -> None:
    """Write the JSON Schemas."""
    _bakehouse(session, "schema")


@nox.session
def clean(session: nox.Session) -> None:
    """Remove containers and images that runs left."""
    _bakehouse(session, "clean")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff, mypy, schemas up to date."""
    _install(session, "dev")
    _run(session, "ruff", "check")
    _run(session, "ruff", "format", "--check")
    _run(session, "mypy")
    _run(session, "python", "-m", "bakehouse", "schema", "--check")


@nox.session
def tests(session: nox.Session) -> None:
    """Unit, golden, property and project tests, then those with a real registry and engine; -- PATH runs only that."""
    _install(session, "dev")
    if session.posargs:
        parallel = () if any("tests/engine" in word for word in session.posargs) else ("-n", "auto")
        _run(session, "pytest", *parallel, *session.posargs)
        return
    _run(session, "pytest", "tests/unit", "tests/project", "-n", "auto", "-q")
    _run(session, "pytest", "tests/registry", "-n", "auto", "-q")
    _run(session, "pytest", "tests/engine", "-q")
