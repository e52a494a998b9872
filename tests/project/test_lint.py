"""The project's files pass its own lint, and what lint knows fits the pinned source."""

from __future__ import annotations

from bakehouse.commands.lint_project import findings_of
from bakehouse.config.load import load_project
from bakehouse.lint.finding import Severity
from bakehouse.lint.options import load_options
from bakehouse.servers.llama_cpp.lint.known_options import ABSENT, load_knowledge
from tests.unit.projects import ROOT


def test_our_own_project_is_clean() -> None:
    """Run `bakehouse lint` to see what is wrong; `bakehouse lint --update` after a change of the pinned revision."""
    found = findings_of(load_project(ROOT))
    assert [one for one in found if one.severity is not Severity.NOTE] == []


def test_the_knowledge_fits_the_pinned_tree() -> None:
    """What is said to be gone is not there; what is said to do harm is."""
    kept = load_options(ROOT, "llama-cpp")
    assert kept is not None
    names = {name for one in kept.arguments for name in (*one.names, *one.negated)}
    for facts, there in (
        (load_knowledge().cmake, kept.cmake.options.keys() | kept.cmake.deprecated | set(kept.cmake.variables)),
        (load_knowledge().arguments, names),
    ):
        for fact in facts:
            for name in fact.names:
                if "*" not in name and not name.startswith("CMAKE_"):
                    assert (name in there) is (fact.problem not in ABSENT), name


def test_facts_about_our_variables_fit_the_pinned_tree() -> None:
    kept = load_options(ROOT, "llama-cpp")
    assert kept is not None
    for fact in load_knowledge().environment:
        for name in fact.names:
            if name.startswith(("GGML_", "LLAMA_")):
                assert (name in kept.environment) is (fact.problem not in ABSENT), name
