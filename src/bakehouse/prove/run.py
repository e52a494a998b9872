"""All checks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bakehouse.model.report import Check
from bakehouse.model.words import Verdict
from bakehouse.prove.contents import check_plugins, check_symlinks
from bakehouse.prove.expect import Expectation
from bakehouse.prove.image import ImageAtRest
from bakehouse.prove.instructions import check_instructions
from bakehouse.prove.leftovers import check_leftovers
from bakehouse.prove.linkage import check_linkage
from bakehouse.prove.privileges import check_privileges
from bakehouse.prove.secrets import check_secrets
from bakehouse.prove.settings import check_entrypoint, check_healthcheck, check_labels, check_port, check_user
from bakehouse.prove.size import check_size

CheckFunction = Callable[[ImageAtRest, Expectation], Check]

CHECKS: dict[str, CheckFunction] = {
    "linkage": check_linkage,
    "plugins": check_plugins,
    "symlinks": check_symlinks,
    "instructions": check_instructions,
    "user": check_user,
    "labels": check_labels,
    "port": check_port,
    "healthcheck": check_healthcheck,
    "entrypoint": check_entrypoint,
    "privileges": check_privileges,
    "secrets": check_secrets,
    "size": check_size,
    "leftovers": check_leftovers,
}
"""Every check by its name in reports. A new check is a function and a line here."""


def prove(image: ImageAtRest, expectation: Expectation, *, checks: Mapping[str, CheckFunction] = CHECKS) -> list[Check]:
    """Run every check. One that breaks is errored, with what went wrong, and the others go on."""
    return [_run(name, check, image, expectation) for name, check in checks.items()]


def _run(name: str, check: CheckFunction, image: ImageAtRest, expectation: Expectation) -> Check:
    try:
        return check(image, expectation)
    except Exception as error:  # noqa: BLE001 - a check that breaks must not hide what the others find
        return Check(name=name, verdict=Verdict.ERRORED, message=f"{type(error).__name__}: {error}")
