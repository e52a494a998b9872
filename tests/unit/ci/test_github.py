"""What holds of every workflow, whatever the settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from bakehouse.ci import github, gitlab
from bakehouse.ci.settings import Settings
from tests.unit.ci.settings import KEPT, OTHER, PLAIN, WHOLE

WRITES = {
    "plan": set(),
    "check": set(),
    "build": {"packages"},
    "test": set(),
    "publish": {"packages", "id-token"},
    "notice": {"issues"},
    "propose": {"contents", "pull-requests"},
}
"""The most that each job's token may change."""


def workflow(settings: Settings, name: str = github.NIGHTLY) -> Any:
    return yaml.load(github.workflows(settings)[name], Loader=yaml.BaseLoader)


def jobs() -> Iterator[tuple[str, Any]]:
    for settings in KEPT.values():
        for name in github.workflows(settings):
            yield from workflow(settings, name)["jobs"].items()


def test_a_token_may_do_what_its_job_does_and_nothing_more() -> None:
    for name, job in jobs():
        assert {what for what, how in job["permissions"].items() if how == "write"} <= WRITES[name]
    for settings in KEPT.values():
        for name in github.workflows(settings):
            assert workflow(settings, name)["permissions"] == {}
    change = workflow(WHOLE, github.CHANGE)["jobs"]
    assert all(job["permissions"] == {"contents": "read"} for job in change.values()), "a change comes from anybody"
    assert "id-token" not in workflow(OTHER)["jobs"]["publish"]["permissions"], "a key signs"


def test_who_may_write_issues_or_branches_runs_none_of_our_code() -> None:
    for name in ("notice", "propose"):
        scripts = " ".join(step.get("run", "") for step in workflow(WHOLE)["jobs"][name]["steps"])
        assert "bakehouse " not in scripts.replace("label bakehouse ", "").replace("create bakehouse ", "")
        assert "pip" not in scripts


def test_programs_of_others_are_named_by_their_full_commit() -> None:
    used = {step["uses"] for _, job in jobs() for step in job["steps"] if "uses" in step}
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", one) for one in used)
    text = github.workflows(WHOLE)[github.NIGHTLY]
    assert all(re.search(r"@[0-9a-f]{40}  # v[0-9.]+$", line) for line in text.splitlines() if "uses:" in line)


def test_no_value_becomes_text_of_a_shell() -> None:
    for _, job in jobs():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


def test_every_checkout_leaves_no_token_behind() -> None:
    for _, job in jobs():
        for step in job["steps"]:
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] == "false"


def test_the_publishing_job_is_alone_and_on_the_branch_that_is_published() -> None:
    publish = workflow(WHOLE)["jobs"]["publish"]
    assert publish["concurrency"] == {"group": "bakehouse-publish", "cancel-in-progress": "false"}
    assert "github.ref == 'refs/heads/release/1.x'" in publish["if"]
    assert publish["environment"] == "bakehouse"


def test_without_a_registry_there_is_no_nightly_run() -> None:
    assert list(github.workflows(PLAIN)) == [github.CHANGE]
    assert "docker login" not in github.workflows(PLAIN)[github.CHANGE]
    assert gitlab.NIGHTLY not in gitlab.pipeline(PLAIN)[gitlab.FILE]
    assert gitlab.NIGHTLY in gitlab.pipeline(OTHER)[gitlab.FILE]


def test_another_registry_than_the_systems_own_takes_secrets() -> None:
    text = github.workflows(OTHER)[github.NIGHTLY]
    assert "${{ secrets.REGISTRY_PASSWORD }}" in text
    assert "REGISTRY_PASSWORD: ${{ github.token }}" not in text


@pytest.mark.parametrize("name", [github.NIGHTLY, github.CHANGE])
def test_update_is_there_only_where_it_is_wanted(name: str) -> None:
    assert "bakehouse update" not in github.workflows(OTHER)[name]
    assert ("bakehouse update" in github.workflows(WHOLE)[name]) == (name == github.NIGHTLY)
