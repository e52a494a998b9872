"""The part of `lint` that asks the network: whether each base has the packages that are installed in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bakehouse.config.load import Project
from bakehouse.errors import InputError, InputErrors
from bakehouse.lint.finding import Finding, Severity
from bakehouse.model.cell import Cell
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.package_check import check_packages
from bakehouse.supply.context import OFFLINE
from bakehouse.supply.package_index import PackageIndexes


def look_for_packages(context: Context, project: Project, cells: Sequence[Cell]) -> tuple[Finding, ...]:
    """Hold the packages of cells against the indexes of their bases, and say what could not be looked at."""
    offline = context.environ.get(OFFLINE, "0") not in ("", "0")
    looked = check_packages(project, cells, PackageIndexes(cache=context.cache.resolve(), offline=offline))
    for line in looked.not_looked_at:
        context.say(f"package names were not looked at: {line}")
    return looked.findings


def refuse_missing_packages(context: Context, project: Project, cells: Sequence[Cell]) -> None:
    """Raise InputErrors for packages that a base certainly does not have, before anything is built."""
    refuse(look_for_packages(context, project, cells))


def refuse(findings: Iterable[Finding]) -> None:
    """Raise InputErrors for those that are errors."""
    errors: list[InputError] = [
        InputError(
            f"{one.subject}: {one.what}. {one.why}",
            hint=f"Instead: {one.instead}." if one.instead else None,
            where=one.where,
        )
        for one in findings
        if one.severity is Severity.ERROR
    ]
    if errors:
        raise errors[0] if len(errors) == 1 else InputErrors(errors)
