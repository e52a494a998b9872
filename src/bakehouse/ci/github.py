"""Workflows of GitHub Actions. Pure: the same matrix gives the same bytes.

A pull request gets no permission that writes. What differs from night to night (cells, shards, cards) is found by the
first job.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bakehouse.ci.actions import ACTIONS
from bakehouse.ci.github_jobs import Job, build, check, notice, plan, propose, publish, test
from bakehouse.ci.settings import Settings
from bakehouse.ci.yaml_text import dump

FOLDER = ".github/workflows"
NIGHTLY, CHANGE = f"{FOLDER}/bakehouse-nightly.yml", f"{FOLDER}/bakehouse-change.yml"
REASONS = {
    "packages: read": "pull images, and what channels name",
    "packages: write": "push images, and what is attached to them",
    "id-token: write": "sign with the job's own identity",
    "issues: write": "one issue that says what turned",
    "contents: write": "push the branch bakehouse/update",
    "pull-requests: write": "ask for that branch to be merged",
}
"""Why a job has a permission."""


def workflows(settings: Settings) -> dict[str, str]:
    """File name to text. No nightly run where images have no place to go to."""
    change = {CHANGE: _text(_change(settings), settings)}
    return {NIGHTLY: _text(_nightly(settings), settings), **change} if settings.registry else change


def _text(workflow: Mapping[str, Any], settings: Settings) -> str:
    text = settings.header("github") + dump(workflow)
    for permission, reason in REASONS.items():
        text = text.replace(f"      {permission}\n", f"      {permission}  # {reason}\n")
    for action in ACTIONS:
        text = text.replace(f"uses: {action.uses}\n", f"uses: {action.uses}  # {action.version}\n")
    return text


def _nightly(settings: Settings) -> dict[str, Any]:
    jobs: dict[str, Job] = {
        "plan": plan(settings, stale=True),
        "build": build(settings),
        "test": test(settings),
        "publish": publish(settings),
        "notice": notice(settings),
    }
    if settings.ci.update:
        jobs["propose"] = propose(settings)
    return {
        "name": "bakehouse nightly",
        "on": {
            "schedule": [{"cron": settings.ci.schedule}],
            "workflow_dispatch": {
                "inputs": {
                    "everything": {
                        "description": "Build every cell, not only those whose inputs have changed",
                        "type": "boolean",
                        "default": False,
                    }
                }
            },
        },
        "permissions": {},
        "concurrency": {"group": "bakehouse-nightly", "cancel-in-progress": False},
        "defaults": {"run": {"shell": "bash"}},
        "jobs": jobs,
    }


def _change(settings: Settings) -> dict[str, Any]:
    return {
        "name": "bakehouse change",
        "on": {"pull_request": {"branches": [settings.ci.branch]}},
        "permissions": {},
        "concurrency": {
            "group": "bakehouse-change-${{ github.event.pull_request.number }}",
            "cancel-in-progress": True,
        },
        "defaults": {"run": {"shell": "bash"}},
        "jobs": {"plan": plan(settings, stale=False), "check": check(settings)},
    }
