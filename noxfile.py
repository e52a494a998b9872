"""Sessions: install, then `python -m bakehouse VERB`. What follows `--` goes on to the verb.

nox -s build-matrix        bake, prove, start, measure, report: the cells this machine can run
nox -s tests               unit, golden, property and engine tests
nox -s bench -- --gpu cpu  measure only
nox                        lint and tests
"""

from __future__ import annotations

import nox

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "tests"]
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.stop_on_first_error = True

# The bootstrap in the README runs nox from a folder named by PYTHONPATH; sessions must not see that folder.
CLEAN = {"PYTHONPATH": ""}


def _install(session: nox.Session, *extras: str) -> None:
    package = f".[{','.join(extras)}]" if extras else "."
    session.install("-e", package, env=CLEAN, silent=True)


def _bakehouse(session: nox.Session, *words: str) -> None:
    _install(session)
    session.run("python", "-m", "bakehouse", *words, *session.posargs, env=CLEAN)


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
def report(session: nox.Session) -> None:
    """Draw the latest run's reports again."""
    _bakehouse(session, "report")


@nox.session
def lock(session: nox.Session) -> None:
    """Pin what the matrix's names stand for today."""
    _bakehouse(session, "lock")


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
    session.run("ruff", "check", env=CLEAN)
    session.run("ruff", "format", "--check", env=CLEAN)
    session.run("mypy", env=CLEAN)
    session.run("python", "-m", "bakehouse", "schema", "--check", env=CLEAN)


@nox.session
def tests(session: nox.Session) -> None:
    """Unit, golden and property tests, then the engine tests on a real engine; -- PATH runs only that."""
    _install(session, "dev")
    if session.posargs:
        session.run("pytest", *session.posargs, env=CLEAN)
        return
    session.run("pytest", "tests/unit", "-n", "auto", "-q", env=CLEAN)
    session.run("pytest", "tests/engine", "-q", env=CLEAN)
