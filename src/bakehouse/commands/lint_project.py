"""What the lint finds in the project's own files, by the options that are kept beside the lockfile.

`plan` mentions it, so this module starts without what the rest of `lint` needs to fetch source trees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bakehouse.commands.lint_text import total
from bakehouse.config.load import Project
from bakehouse.lint.finding import Finding, Severity, in_order
from bakehouse.lint.linter import Linter
from bakehouse.lint.options import SourceOptions, load_options
from bakehouse.pipeline.context import Context
from bakehouse.servers.linters import LINTERS


def findings_of(project: Project, recipes: Iterable[str] | None = None) -> tuple[Finding, ...]:
    """What is to be said about the project, or about some of its recipes."""
    asked, kept = set(project.world.recipes if recipes is None else recipes), kept_options(project)
    found = [
        finding
        for linter, names in by_linter(project)
        for finding in linter.check_project(project, kept, recipes=[name for name in names if name in asked])
    ]
    return in_order(found)


def mention_findings(context: Context, project: Project) -> None:
    """One line, where there is something worth it."""
    counts: Counter[Severity] = Counter(one.severity for one in findings_of(project))
    del counts[Severity.NOTE]
    if counts:
        context.say(f"lint: {total(counts)}; `bakehouse lint` shows them")


def kept_options(project: Project) -> dict[str, SourceOptions | None]:
    """By source of a recipe whose server has a linter."""
    names = [name for _, recipes in by_linter(project) for name in sources_of(project, recipes)]
    return {name: load_options(project.root, name) for name in names}


def by_linter(project: Project) -> list[tuple[Linter, list[str]]]:
    """Linters with the names of the recipes whose servers they know."""
    recipes = project.world.recipes
    found = (
        (linter, [name for name in recipes if recipes[name].server == family]) for family, linter in LINTERS.items()
    )
    return [(linter, names) for linter, names in found if names]


def sources_of(project: Project, recipes: Iterable[str]) -> list[str]:
    """What they are compiled from, each once."""
    builds = (project.world.recipes[name].cmake for name in recipes)
    return list(dict.fromkeys(build.source for build in builds if build))


def revision_of(project: Project, source: str) -> str:
    return project.world.matrix.sources[source].revision
