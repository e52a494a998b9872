"""Workflows of GitHub Actions. Pure: the same matrix gives the same bytes.

A job has the permissions that its steps need and no others; a pull request gets none that writes. Values reach shells
as variables, never as text. What differs from night to night (cells, shards, cards) is found by the first job.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bakehouse.ci import shell
from bakehouse.ci.actions import ACTIONS, CHECKOUT, DOWNLOAD, UPLOAD
from bakehouse.ci.settings import Settings
from bakehouse.ci.yaml_text import dump

FOLDER = ".github/workflows"
NIGHTLY, CHANGE = f"{FOLDER}/bakehouse-nightly.yml", f"{FOLDER}/bakehouse-change.yml"
Step = dict[str, Any]
Job = dict[str, Any]

ENVIRONMENT = "bakehouse"
"""Of the jobs that hold secrets: people can say which branch may use them."""
OWN = "ghcr.io"
"""The registry in which the job's own token pushes."""

INSTALL = """\
python3 -m venv "$RUNNER_TEMP/bakehouse"
"$RUNNER_TEMP/bakehouse/bin/pip" install --quiet -- "$BAKEHOUSE"
echo "$RUNNER_TEMP/bakehouse/bin" >> "$GITHUB_PATH"
"""
SUMMARY = """\
for page in reports/2*/summary.md; do [ ! -f "$page" ] || cat "$page" >> "$GITHUB_STEP_SUMMARY"; done
"""
ISSUE = """\
open=$(gh issue list --state open --label bakehouse --limit 1 --json number --jq '.[].number')
if [ ! -s notice.md ]; then
  [ -z "$open" ] || gh issue close "$open" --comment "Every cell passes again: $RUN"
  exit 0
fi
printf '\\n%s\\n' "$RUN" >> notice.md
gh label create bakehouse --description "Written by the nightly run" --force
if [ -n "$open" ]; then
  gh issue comment "$open" --body-file notice.md
else
  gh issue create --title "The nightly run found a change for the worse" --label bakehouse --body-file notice.md
fi
"""
PROPOSE = """\
git diff --quiet -- matrix.yaml bakehouse.lock options && exit 0
git config user.name "github-actions[bot]"
git config user.email "41898282+github-actions[bot]@users.noreply.github.com"
git switch --force-create bakehouse/update
git add -- matrix.yaml bakehouse.lock options
git commit --quiet --message "Move to what was published tonight"
gh auth setup-git
git push --quiet --force origin bakehouse/update
[ -n "$(gh pr list --head bakehouse/update --state open --json number --jq '.[].number')" ] \\
  || gh pr create --head bakehouse/update --title "Move to what was published tonight" --body "Published by $RUN"
"""
BUILT = "${{ needs.plan.outputs.build != '[]' }}"
REASONS = {
    "packages: read": "pull images, and what channels name",
    "packages: write": "push images, and what is attached to them",
    "id-token: write": "sign with the job's own identity",
    "issues: write": "one issue that says what turned",
    "contents: write": "push the branch bakehouse/update",
    "pull-requests: write": "ask for that branch to be merged",
}
"""Why a job has a permission."""
PLANNED = "!cancelled() && needs.plan.result == 'success'"
"""Also where some of the builds or tests failed: what passed goes on."""
RUN = "${{ github.server_url }}/${{ github.repository }}/actions/runs/${{ github.run_id }}"


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
        "plan": _plan(settings, stale=True),
        "build": _build(settings),
        "test": _test(settings),
        "publish": _publish(settings),
        "notice": _notice(settings),
    }
    if settings.ci.update:
        jobs["propose"] = _propose(settings)
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
        "jobs": {"plan": _plan(settings, stale=False), "check": _check(settings)},
    }


# ---------------------------------------------------------------------------------------------- jobs


def _plan(settings: Settings, *, stale: bool) -> Job:
    found = 'bakehouse ci jobs --as github >> "$GITHUB_OUTPUT"'
    nightly = f'if [ "$EVERYTHING" = true ]; then\n  {found}\nelse\n  {found.replace("jobs", "jobs --stale")}\nfi\n'
    change = found.replace("jobs", 'jobs --affected-since "$BASE"') + "\n"
    env = {"EVERYTHING": "${{ inputs.everything }}"} if stale else {"BASE": "${{ github.event.pull_request.base.sha }}"}
    steps = [*_setup(settings, history=True)]
    if stale:
        steps += _login(settings)
    if stale and settings.ci.update:
        steps += [
            _run("Move to what is newest", shell.UPDATE),
            _upload("project", "matrix.yaml\nbakehouse.lock\noptions/\n"),
        ]
    steps += [
        _run("Lint", "bakehouse lint\n"),
        _run("Written files are up to date", "bakehouse ci check\n"),
        {"id": "jobs"} | _run("Find what is to do", nightly if stale else change, env),
    ]
    return {
        "name": "plan",
        "runs-on": list(settings.ci.builder if stale else settings.ci.checker),
        **(_guarded(settings) if stale else {}),
        "timeout-minutes": 30,
        "permissions": {"contents": "read"} | ({"packages": "read"} if stale else {}),
        "outputs": {name: f"${{{{ steps.jobs.outputs.{name} }}}}" for name in ("build", "test")},
        "steps": steps,
    }


def _build(settings: Settings) -> Job:
    return {
        "name": "build ${{ matrix.shard.name }}",
        "needs": ["plan"],
        "if": BUILT,
        "runs-on": list(settings.ci.builder),
        **_guarded(settings),
        "timeout-minutes": settings.ci.minutes,
        "permissions": {"contents": "read", "packages": "write"},
        "strategy": {"fail-fast": False, "matrix": {"shard": "${{ fromJSON(needs.plan.outputs.build) }}"}},
        "steps": [
            *_setup(settings, project=settings.ci.update),
            *_login(settings),
            _run("Build and prove", shell.BUILD, {"CELLS": "${{ matrix.shard.cells }}", **_cache(settings)}),
            _always(_run("Push what passed to staging, by digest", shell.STAGE)),
            *_results("built-${{ strategy.job-index }}"),
        ],
    }


def _check(settings: Settings) -> Job:
    return {
        "name": "check ${{ matrix.shard.name }}",
        "needs": ["plan"],
        "if": BUILT,
        "runs-on": list(settings.ci.checker),
        "timeout-minutes": settings.ci.minutes,
        "permissions": {"contents": "read"},
        "strategy": {"fail-fast": False, "matrix": {"shard": "${{ fromJSON(needs.plan.outputs.build) }}"}},
        "steps": [
            *_setup(settings),
            _run("Build, prove and probe", shell.CHECK, {"CELLS": "${{ matrix.shard.cells }}"}),
            *_results("checked-${{ strategy.job-index }}"),
        ],
    }


def _test(settings: Settings) -> Job:
    return {
        "name": "test on ${{ matrix.runner.card }}",
        "needs": ["plan", "build"],
        "if": f"${{{{ {PLANNED} && needs.plan.outputs.test != '[]' }}}}",
        "runs-on": "${{ matrix.runner.labels }}",
        **_guarded(settings),
        "timeout-minutes": settings.ci.minutes,
        "permissions": {"contents": "read", "packages": "read"},
        "strategy": {"fail-fast": False, "matrix": {"runner": "${{ fromJSON(needs.plan.outputs.test) }}"}},
        "concurrency": {"group": "bakehouse-card-${{ matrix.runner.card }}", "cancel-in-progress": False},
        "steps": [
            *_setup(settings, project=settings.ci.update),
            *_login(settings),
            _download("built", "built-*"),
            _run(
                "Start, probe and measure the images that were built",
                shell.TEST,
                {"CARD": "${{ matrix.runner.card }}", "CELLS": "${{ matrix.runner.cells }}"},
            ),
            *_results("tested-${{ matrix.runner.card }}"),
        ],
    }


def _publish(settings: Settings) -> Job:
    """The only job whose token may sign. It builds nothing."""
    return {
        "name": "publish",
        "needs": ["plan", "build", "test"],
        "if": f"${{{{ {PLANNED} && github.ref == 'refs/heads/{settings.ci.branch}' }}}}",
        "runs-on": list(settings.ci.builder),
        "timeout-minutes": 120,
        "environment": ENVIRONMENT,
        "permissions": {"contents": "read", "packages": "write", **({"id-token": "write"} if settings.keyless else {})},
        "concurrency": {"group": "bakehouse-publish", "cancel-in-progress": False},
        "steps": [
            *_setup(settings, project=settings.ci.update),
            *_login(settings),
            _download("reports", "built-*"),
            _download("reports", "tested-*"),
            _run("Publish what passed its gates", shell.PUBLISH, _signing(settings), when=BUILT),
            _always(_run("Fail where a channel is older than its policy allows", shell.CHANNELS)),
            _always(_run("Draw the catalogue", shell.CATALOGUE)),
            _always(_run("Say what turned", shell.NOTICE)),
            *_results("published", "catalogue/\nnotice.md\n"),
        ],
    }


def _notice(settings: Settings) -> Job:
    """Has no checkout and no tools of ours: its token may write issues."""
    return {
        "name": "notice",
        "needs": ["plan", "build", "test", "publish"],
        "if": "${{ !cancelled() && needs.publish.result != 'skipped' }}",
        "runs-on": list(settings.ci.builder),
        "timeout-minutes": 10,
        "permissions": {"issues": "write"},
        "steps": [
            _download(".", "published"),
            _run("Open, continue or close the issue", ISSUE, _gh()),
        ],
    }


def _propose(settings: Settings) -> Job:
    """Asks for the pins that were published to be merged."""
    return {
        "name": "propose",
        "needs": ["publish"],
        "runs-on": list(settings.ci.builder),
        "timeout-minutes": 10,
        "permissions": {"contents": "write", "pull-requests": "write"},
        "steps": [_checkout(), _download(".", "project"), _run("Ask for it to be merged", PROPOSE, _gh())],
    }


# ---------------------------------------------------------------------------------------------- steps


def _setup(settings: Settings, *, history: bool = False, project: bool = False) -> list[Step]:
    steps = [_checkout(history=history), _run("Install bakehouse", INSTALL, {"BAKEHOUSE": settings.installed})]
    return [steps[0], _download(".", "project"), steps[1]] if project else steps


def _checkout(*, history: bool = False) -> Step:
    depth = {"fetch-depth": 0} if history else {}
    return {"uses": CHECKOUT.uses, "with": {**depth, "persist-credentials": False}}


def _run(name: str, script: str, env: Mapping[str, str] | None = None, *, when: str = "") -> Step:
    return {"name": name, **({"if": when} if when else {}), **({"env": dict(env)} if env else {}), "run": script}


def _always(step: Step) -> Step:
    """Also after a step that failed: what passed goes on."""
    return {"name": step["name"], "if": "${{ !cancelled() }}", **{key: step[key] for key in step if key != "name"}}


def _guarded(settings: Settings) -> dict[str, str]:
    """Secrets of a registry are read in jobs of the environment alone."""
    return {} if settings.registry == OWN else {"environment": ENVIRONMENT}


def _login(settings: Settings) -> list[Step]:
    """GitHub's own registry by the job's token; any other by secrets."""
    own = settings.registry == OWN
    env = {
        "REGISTRY": settings.registry or "",
        "REGISTRY_USER": "${{ github.actor }}" if own else "${{ secrets.REGISTRY_USER }}",
        "REGISTRY_PASSWORD": "${{ github.token }}" if own else "${{ secrets.REGISTRY_PASSWORD }}",
    }
    return [_run("Log in to the registry", shell.LOGIN, env)]


def _cache(settings: Settings) -> dict[str, str]:
    return {"BAKEHOUSE_BUILD_CACHE": settings.ci.cache} if settings.ci.cache else {}


def _signing(settings: Settings) -> dict[str, str]:
    return {} if settings.keyless else {"BAKEHOUSE_SIGNING_KEY": "${{ secrets.BAKEHOUSE_SIGNING_KEY }}"}


def _gh() -> dict[str, str]:
    return {"GH_TOKEN": "${{ github.token }}", "GH_REPO": "${{ github.repository }}", "RUN": RUN}


def _results(name: str, more: str = "") -> list[Step]:
    return [
        _always(_run("Summary", SUMMARY)),
        _always(_upload(name, f"reports/2*/\n{more}")),
    ]


def _upload(name: str, paths: str) -> Step:
    return {
        "name": f"Keep {paths.split(maxsplit=1)[0]}",
        "uses": UPLOAD.uses,
        "with": {"name": name, "path": paths, "if-no-files-found": "ignore", "retention-days": 14},
    }


def _download(folder: str, pattern: str) -> Step:
    options: dict[str, Any] = {"pattern": pattern, "path": folder, "merge-multiple": True}
    return {"uses": DOWNLOAD.uses, "with": options}
