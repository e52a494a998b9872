"""The gate of known vulnerabilities, with a file in the security tracker's own form. Its entries are made up."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bakehouse.errors import InputError
from bakehouse.model.enums import Verdict
from bakehouse.publish import vulnerabilities
from bakehouse.publish.facts import Package
from bakehouse.publish.gates import GateResult, GateState
from bakehouse.publish.looking import Looker
from bakehouse.publish.plan import Outcome
from tests.unit.publish.conftest import DAY, World

LIBC = Package(kind="deb", name="libc6", version="2.41-12", source="glibc", source_version="2.41-12")
NUMPY = Package(kind="pypi", name="numpy", version="2.0.0")


def told(status: str, fixed: str | None = None, **more: str) -> dict[str, Any]:
    """Of one release, with all that the tracker says of it."""
    found: dict[str, Any] = {"status": status, "repositories": {"trixie": "2.41-12"}, "urgency": "not yet assigned"}
    return found | ({"fixed_version": fixed} if fixed else {}) | more


def flaw(**releases: dict[str, Any]) -> dict[str, Any]:
    return {"scope": "remote", "description": "In the GNU C Library ...", "debianbug": 1103947, "releases": releases}


FLAWS = {
    "CVE-2026-0001": flaw(trixie=told("resolved", "2.41-13"), sid=told("resolved", "2.42-1")),
    "CVE-2026-0002": flaw(trixie=told("resolved", "2.41-11")),
    "CVE-2026-0003": flaw(trixie=told("open", nodsa="Minor issue", nodsa_reason="postponed")),
    "CVE-2026-0004": flaw(trixie=told("resolved", "0")),
    "CVE-2026-0005": flaw(trixie=told("undetermined")),
    "CVE-2026-0006": flaw(bookworm=told("resolved", "2.99-1")),
}


def database(folder: Path, flaws: object, *, days: int = 0) -> Path:
    path = folder / "tracker.json"
    path.write_text(json.dumps({"glibc": flaws, "curl": {}}))
    written = (DAY - timedelta(days=days)).timestamp()
    os.utime(path, (written, written))
    return path


def test_only_what_a_newer_package_of_the_release_mends(tmp_path: Path) -> None:
    found = vulnerabilities.known([LIBC, NUMPY], vulnerabilities.load(database(tmp_path, FLAWS)), release="trixie")
    assert [(one.id, one.fixed_in) for one in found] == [("CVE-2026-0001", "2.41-13")]


@pytest.mark.parametrize(
    ("packages", "release", "said"),
    [
        ([LIBC], "noble", "tracker.json says nothing of Debian's release noble"),
        ([LIBC], "", "tracker.json says nothing of its release, which no file of the image names"),
        ([NUMPY], "trixie", "it has no Debian packages, and tracker.json knows no others"),
    ],
)
def test_what_the_file_cannot_know_is_not_taken_for_sound(
    tmp_path: Path, packages: list[Package], release: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        vulnerabilities.known(packages, vulnerabilities.load(database(tmp_path, FLAWS)), release=release)


@pytest.mark.parametrize(
    ("text", "said"), [("<html>", "is no JSON"), ("[]", "is not the"), ("{}", "is not the"), ('{"a": 1}', "is not the")]
)
def test_another_file_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=said):
        vulnerabilities.load(tmp_path / "x.json")
    with pytest.raises(InputError, match="cannot be read"):
        vulnerabilities.load(tmp_path / "nothing.json")


def gate(world: World, path: Path) -> tuple[Outcome, GateResult]:
    """Of an image of Debian trixie with libc6 2.41-12."""
    looker = Looker(registries=None, database=path, now=datetime(2026, 11, 27, 3, 0, tzinfo=UTC))
    planned = world.plan(world.run(world.cell(tests=Verdict.PASSED)), looker=looker).plan
    (found,) = (one for one in planned.gates if one.gate == "vulnerabilities")
    return planned.outcome, found


def test_it_keeps_a_channel_where_it_is(world: World, tmp_path: Path) -> None:
    outcome, found = gate(world, database(tmp_path, FLAWS))
    assert (outcome, found.state, found.blocks) == (Outcome.STAYS, GateState.FAILED, True)
    assert found.reason == "1 known vulnerability, CVE-2026-0001: glibc 2.41-12, fixed in 2.41-13"


def test_it_says_what_was_looked_up(world: World, tmp_path: Path) -> None:
    outcome, found = gate(world, database(tmp_path, {"CVE-2026-0002": FLAWS["CVE-2026-0002"]}))
    assert (outcome, found.state) == (Outcome.MOVES, GateState.PASSED)
    assert found.reason == "1 Debian package, none is fixed by a newer one"


def test_nothing_passes_by_an_old_file(world: World, tmp_path: Path) -> None:
    outcome, found = gate(world, database(tmp_path, {"CVE-2026-0002": FLAWS["CVE-2026-0002"]}, days=30))
    assert (outcome, found.state, found.blocks) == (Outcome.MOVES, GateState.NOT_RUN, False)
    assert found.reason == "tracker.json of 2026-10-28 is 30 days old: it knows nothing newer"
    assert gate(world, database(tmp_path, FLAWS, days=30))[1].state is GateState.FAILED, "what it knows still counts"
