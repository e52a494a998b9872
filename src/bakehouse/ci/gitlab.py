"""Pipelines of GitLab CI. Pure: the same matrix and the same jobs give the same bytes.

A fixed file begins each pipeline: its one job finds what is to do and writes a child pipeline with a job for each shard
and each card, which a second job starts. GitLab has no other way to let a list of jobs depend on what a job found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bakehouse.ci import shell
from bakehouse.ci.jobs import BuildJob, Jobs, TestJob
from bakehouse.ci.settings import Settings
from bakehouse.ci.yaml_text import dump

FILE = ".gitlab/bakehouse.yml"
CHILD = "bakehouse-jobs.yml"
Job = dict[str, Any]

INSTALL = """\
has_all() { command -v docker && command -v git && python3 -c "import ensurepip"; }
if command -v apt-get > /dev/null && ! has_all > /dev/null 2>&1; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends ca-certificates docker-cli docker-buildx git python3-venv
fi
python3 -m venv /tmp/bakehouse
/tmp/bakehouse/bin/pip install --quiet -- "$BAKEHOUSE"
export PATH="/tmp/bakehouse/bin:$PATH"
git config --global --add safe.directory "$CI_PROJECT_DIR"
"""
CHANGE, NIGHTLY = "$CI_PIPELINE_SOURCE == 'merge_request_event'", "$CI_PIPELINE_SOURCE =~ /^(schedule|web)$/"
PLAN = f"""\
if [ "$CI_PIPELINE_SOURCE" = merge_request_event ]; then
  bakehouse ci jobs --affected-since "$CI_MERGE_REQUEST_DIFF_BASE_SHA" --change --as gitlab > {CHILD}
elif [ "${{EVERYTHING:-false}}" = true ]; then
  bakehouse ci jobs --as gitlab > {CHILD}
else
  bakehouse ci jobs --stale --as gitlab > {CHILD}
fi
"""
RETRY = {"max": 2, "when": ["runner_system_failure", "stuck_or_timeout_failure", "scheduler_failure"]}
"""Of what is GitLab's own; what is an engine's or a network's, the script tries again by itself."""
SAY = "bakehouse ci notice --catalogue catalogue/catalogue.json --fail\n"
"""GitLab sends mail about a scheduled pipeline that fails: that is the notice."""
NOTHING = "nothing"
"""The job of a pipeline in which there is nothing to do: GitLab refuses one without jobs."""


def pipeline(settings: Settings) -> dict[str, str]:
    """File name to text: to be named under `include: local:` in .gitlab-ci.yml."""
    content = {
        "workflow": {"rules": [{"if": CHANGE}, *([{"if": NIGHTLY}] if settings.registry else [])]},
        "stages": ["plan", "run"],
        "bakehouse-plan": _base(settings)
        | {
            "stage": "plan",
            "variables": {"GIT_DEPTH": "0", **_variables(settings)},
            "script": [*_login(settings), "bakehouse lint", "bakehouse ci check", *_updated(settings), PLAN],
            "artifacts": {"paths": [CHILD, *_project(settings)], "expire_in": "14 days"},
        },
        "bakehouse-run": {
            "stage": "run",
            "needs": ["bakehouse-plan"],
            "trigger": {"include": [{"artifact": CHILD, "job": "bakehouse-plan"}], "strategy": "depend"},
            "variables": {"BAKEHOUSE_PLANNED_BY": "$CI_PIPELINE_ID"},
        },
    }
    return {FILE: settings.header("gitlab") + dump(content)}


def child(found: Jobs, settings: Settings, *, change: bool) -> str:
    """The child pipeline. `change`: of a merge request, which publishes nothing."""
    builds = {f"build {job.name}": _build(job, settings, change=change) for job in found.build}
    tests = {} if change else {f"test on {job.card}": _test(job, settings, list(builds)) for job in found.test}
    jobs: dict[str, Job] = {**builds, **tests}
    if jobs and not change:
        jobs["publish"] = _publish(settings, [*builds, *tests])
    if not jobs:
        jobs = {NOTHING: {"stage": "build", "script": ["echo nothing is to do"]}}
    content = {
        "workflow": {"rules": [{"when": "always"}]},
        "stages": ["build", "test", "publish"],
        **jobs,
    }
    return dump(content)


# ---------------------------------------------------------------------------------------------- jobs


def _base(settings: Settings) -> Job:
    return {
        "image": settings.ci.image,
        "tags": list(settings.ci.builder),
        "timeout": f"{settings.ci.minutes} minutes",
        "interruptible": False,
        "retry": RETRY,
        "before_script": [INSTALL],
    }


def _build(job: BuildJob, settings: Settings, *, change: bool) -> Job:
    script = (
        [shell.CHECK]
        if change
        else [*_login(settings), shell.in_order(shell.AGAIN + shell.CELLS, shell.BUILD_COMMAND, shell.STAGE)]
    )
    return _base(settings) | {
        "stage": "build",
        "needs": _needs_project(settings),
        "variables": {"CELLS": " ".join(job.cells), **_variables(settings)},
        "script": script,
        "artifacts": _artifacts(),
    }


def _test(job: TestJob, settings: Settings, builds: list[str]) -> Job:
    """On a runner that brings its own engine and card."""
    needs = [*_needs_project(settings), *({"job": name, "artifacts": True} for name in builds)]
    return _base(settings) | {
        "stage": "test",
        "tags": list(job.labels),
        "when": "always",
        "needs": needs,
        "resource_group": f"bakehouse-card-{job.card}",
        "variables": {"CARD": job.card, "CELLS": " ".join(job.cells), **_variables(settings)},
        "script": [*_login(settings), "mkdir -p built && cp -r reports/2* built/", shell.TEST],
        "artifacts": _artifacts(),
    }


def _publish(settings: Settings, needed: list[str]) -> Job:
    tokens = {"id_tokens": {"SIGSTORE_ID_TOKEN": {"aud": "sigstore"}}} if settings.keyless else {}
    return _base(settings) | {
        "stage": "publish",
        "rules": [{"if": f"$CI_COMMIT_BRANCH == '{settings.ci.branch}'", "when": "always"}],
        "needs": [*_needs_project(settings), *({"job": name, "artifacts": True} for name in needed)],
        "resource_group": "bakehouse-publish",
        "environment": {"name": "bakehouse"},
        **tokens,
        "variables": _variables(settings),
        "script": [
            *_login(settings),
            shell.in_order(shell.AGAIN, shell.PUBLISH_COMMAND, shell.CHANNELS, shell.CATALOGUE, SAY),
        ],
        "artifacts": {"when": "always", "paths": ["reports/2*/", "catalogue/"], "expire_in": "14 days"},
    }


def _variables(settings: Settings) -> dict[str, str]:
    cache = {"BAKEHOUSE_BUILD_CACHE": settings.ci.cache} if settings.ci.cache else {}
    return {"BAKEHOUSE": settings.installed, **cache}


def _login(settings: Settings) -> list[str]:
    """GitLab's own registry by the job's token; any other by variables of the project."""
    if settings.registry is None:
        return []
    words = (
        'if [ "${CI_REGISTRY:-}" = "$REGISTRY" ]; then\n'
        "  REGISTRY_USER=$CI_REGISTRY_USER REGISTRY_PASSWORD=$CI_REGISTRY_PASSWORD\n"
        "fi\n"
    )
    return [f"REGISTRY={settings.registry}\n{words}{shell.LOGIN}"]


def _updated(settings: Settings) -> list[str]:
    return [shell.UPDATE] if settings.ci.update else []


def _project(settings: Settings) -> list[str]:
    return ["matrix.yaml", "bakehouse.lock", "options/"] if settings.ci.update else []


def _needs_project(settings: Settings) -> list[Mapping[str, Any]]:
    """The files that `update` changed come from the pipeline that planned."""
    return [{"pipeline": "$BAKEHOUSE_PLANNED_BY", "job": "bakehouse-plan"}] if settings.ci.update else []


def _artifacts() -> dict[str, Any]:
    return {"when": "always", "paths": ["reports/2*/"], "expire_in": "14 days"}
