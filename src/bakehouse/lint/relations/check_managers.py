"""Package managers of another distribution than the image's."""

from __future__ import annotations

from collections.abc import Iterator

from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.relations.view import View
from bakehouse.lint.stages.stage import StageModel

_MANAGERS = {
    "apt-get": "apt",
    "apt": "apt",
    "apk": "apk",
    "dnf": "dnf",
    "microdnf": "dnf",
    "yum": "dnf",
    "pacman": "pacman",
}


def check_managers(view: View) -> Iterator[Finding]:
    for stage in view.sources:
        yield from _check_manager(stage)


def _check_manager(stage: StageModel) -> Iterator[Finding]:
    """The package manager of another distribution."""
    for command in stage.contents.commands:
        wanted = _MANAGERS.get(command.program)
        if wanted and stage.base.manager and stage.base.complete and wanted != stage.base.manager:
            yield finding(
                command.words[0],
                f"is not the package manager of {stage.base.text}",
                "The build stops: the program is not there.",
                f"{stage.base.manager}, or another image",
            )
            return
