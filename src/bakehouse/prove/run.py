"""All checks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Check
from bakehouse.prove.contents import check_plugins, check_symlinks
from bakehouse.prove.device_code.cuobjdump import check_cuobjdump
from bakehouse.prove.driver import check_driver_floor
from bakehouse.prove.expect import Expectation
from bakehouse.prove.glibc import check_glibc
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.instructions import check_instructions
from bakehouse.prove.leftovers import check_leftovers
from bakehouse.prove.linkage import check_linkage
from bakehouse.prove.native_code import check_native_code, check_ptx
from bakehouse.prove.privileges import check_privileges
from bakehouse.prove.secrets import check_secrets
from bakehouse.prove.settings import check_entrypoint, check_healthcheck, check_labels, check_port, check_user
from bakehouse.prove.size import check_size
from bakehouse.prove.toolkit import check_toolkit_leftovers

CheckFunction = Callable[[ImageAtRest, Expectation], Check]

CHECKS: dict[str, CheckFunction] = {
    "linkage": check_linkage,
    "plugins": check_plugins,
    "symlinks": check_symlinks,
    "glibc": check_glibc,
    "native-code": check_native_code,
    "ptx": check_ptx,
    "cuobjdump": check_cuobjdump,
    "driver-floor": check_driver_floor,
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
    "toolkit-leftovers": check_toolkit_leftovers,
}
"""Every check by its name in reports. A new check is a function and a line here."""


def checks_with(*, cuobjdump: Path | None, why_not: str = "") -> dict[str, CheckFunction]:
    """Every check, with NVIDIA's program for the one that needs it, or with why it could not be had."""
    return {**CHECKS, "cuobjdump": partial(check_cuobjdump, program=cuobjdump, why_not=why_not)}


def prove(image: ImageAtRest, expectation: Expectation, *, checks: Mapping[str, CheckFunction] = CHECKS) -> list[Check]:
    """Run every check. One that breaks is errored, with what went wrong, and the others go on."""
    return [_run(name, check, image, expectation) for name, check in checks.items()]


def _run(name: str, check: CheckFunction, image: ImageAtRest, expectation: Expectation) -> Check:
    try:
        return check(image, expectation)
    except Exception as error:  # noqa: BLE001 - a check that breaks must not hide what the others find
        return Check(name=name, verdict=Verdict.ERRORED, message=f"{type(error).__name__}: {error}")
