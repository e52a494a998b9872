"""Jobs of GitHub's workflows, each with the permissions that its steps need and no others. Pure."""

from __future__ import annotations

from typing import Any

from bakehouse.ci import shell
from bakehouse.ci.github_steps import (
    ENVIRONMENT,
    always,
    cache,
    checkout,
    download,
    gh,
    guarded,
    login,
    results,
    run,
    setup,
    signing,
    upload,
)
from bakehouse.ci.settings import Settings

Job = dict[str, Any]

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
PLANNED = "!cancelled() && needs.plan.result == 'success'"
"""Also where some of the builds or tests failed: what passed goes on."""


def plan(settings: Settings, *, stale: bool) -> Job:
    found = 'bakehouse ci jobs --as github >> "$GITHUB_OUTPUT"'
    nightly = f'if [ "$EVERYTHING" = true ]; then\n  {found}\nelse\n  {found.replace("jobs", "jobs --stale")}\nfi\n'
    change = found.replace("jobs", 'jobs --affected-since "$BASE"') + "\n"
    env = {"EVERYTHING": "${{ inputs.everything }}"} if stale else {"BASE": "${{ github.event.pull_request.base.sha }}"}
    steps = [*setup(settings, history=True)]
    if stale:
        steps += login(settings)
    if stale and settings.ci.update:
        steps += [
            run("Move to what is newest", shell.UPDATE),
            upload("project", "matrix.yaml\nbakehouse.lock\noptions/\n"),
        ]
    steps += [
        run("Lint", "bakehouse lint\n"),
        run("Written files are up to date", "bakehouse ci check\n"),
        {"id": "jobs"} | run("Find what is to do", nightly if stale else change, env),
    ]
    return {
        "name": "plan",
        "runs-on": list(settings.ci.builder if stale else settings.ci.checker),
        **(guarded(settings) if stale else {}),
        "timeout-minutes": 30,
        "permissions": {"contents": "read"} | ({"packages": "read"} if stale else {}),
        "outputs": {name: f"${{{{ steps.jobs.outputs.{name} }}}}" for name in ("build", "test")},
        "steps": steps,
    }


def build(settings: Settings) -> Job:
    return {
        "name": "build ${{ matrix.shard.name }}",
        "needs": ["plan"],
        "if": BUILT,
        "runs-on": list(settings.ci.builder),
        **guarded(settings),
        "timeout-minutes": settings.ci.minutes,
        "permissions": {"contents": "read", "packages": "write"},
        "strategy": {"fail-fast": False, "matrix": {"shard": "${{ fromJSON(needs.plan.outputs.build) }}"}},
        "steps": [
            *setup(settings, project=settings.ci.update),
            *login(settings),
            run("Build and prove", shell.BUILD, {"CELLS": "${{ matrix.shard.cells }}", **cache(settings)}),
            always(run("Push what passed to staging, by digest", shell.STAGE)),
            *results("built-${{ strategy.job-index }}"),
        ],
    }


def check(settings: Settings) -> Job:
    return {
        "name": "check ${{ matrix.shard.name }}",
        "needs": ["plan"],
        "if": BUILT,
        "runs-on": list(settings.ci.checker),
        "timeout-minutes": settings.ci.minutes,
        "permissions": {"contents": "read"},
        "strategy": {"fail-fast": False, "matrix": {"shard": "${{ fromJSON(needs.plan.outputs.build) }}"}},
        "steps": [
            *setup(settings),
            run("Build, prove and probe", shell.CHECK, {"CELLS": "${{ matrix.shard.cells }}"}),
            *results("checked-${{ strategy.job-index }}"),
        ],
    }


def test(settings: Settings) -> Job:
    return {
        "name": "test on ${{ matrix.runner.card }}",
        "needs": ["plan", "build"],
        "if": f"${{{{ {PLANNED} && needs.plan.outputs.test != '[]' }}}}",
        "runs-on": "${{ matrix.runner.labels }}",
        **guarded(settings),
        "timeout-minutes": settings.ci.minutes,
        "permissions": {"contents": "read", "packages": "read"},
        "strategy": {"fail-fast": False, "matrix": {"runner": "${{ fromJSON(needs.plan.outputs.test) }}"}},
        "concurrency": {"group": "bakehouse-card-${{ matrix.runner.card }}", "cancel-in-progress": False},
        "steps": [
            *setup(settings, project=settings.ci.update),
            *login(settings),
            download("built", "built-*"),
            run(
                "Start, probe and measure the images that were built",
                shell.TEST,
                {"CARD": "${{ matrix.runner.card }}", "CELLS": "${{ matrix.runner.cells }}"},
            ),
            *results("tested-${{ matrix.runner.card }}"),
        ],
    }


def publish(settings: Settings) -> Job:
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
            *setup(settings, project=settings.ci.update),
            *login(settings),
            download("reports", "built-*"),
            download("reports", "tested-*"),
            run("Publish what passed its gates", shell.PUBLISH, signing(settings), when=BUILT),
            always(run("Fail where a channel is older than its policy allows", shell.CHANNELS)),
            always(run("Draw the catalogue", shell.CATALOGUE)),
            always(run("Say what turned", shell.NOTICE)),
            *results("published", "catalogue/\nnotice.md\n"),
        ],
    }


def notice(settings: Settings) -> Job:
    """Has no checkout and no tools of ours: its token may write issues."""
    return {
        "name": "notice",
        "needs": ["plan", "build", "test", "publish"],
        "if": "${{ !cancelled() && needs.publish.result != 'skipped' }}",
        "runs-on": list(settings.ci.builder),
        "timeout-minutes": 10,
        "permissions": {"issues": "write"},
        "steps": [
            download(".", "published"),
            run("Open, continue or close the issue", ISSUE, gh()),
        ],
    }


def propose(settings: Settings) -> Job:
    """Asks for the pins that were published to be merged."""
    return {
        "name": "propose",
        "needs": ["publish"],
        "runs-on": list(settings.ci.builder),
        "timeout-minutes": 10,
        "permissions": {"contents": "write", "pull-requests": "write"},
        "steps": [checkout(), download(".", "project"), run("Ask for it to be merged", PROPOSE, gh())],
    }
