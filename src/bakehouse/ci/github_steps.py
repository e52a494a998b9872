"""Steps of GitHub's jobs. Values reach shells as variables, never as text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bakehouse.ci import shell
from bakehouse.ci.actions import CHECKOUT, DOWNLOAD, UPLOAD
from bakehouse.ci.settings import Settings

Step = dict[str, Any]

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
RUN = "${{ github.server_url }}/${{ github.repository }}/actions/runs/${{ github.run_id }}"


def setup(settings: Settings, *, history: bool = False, project: bool = False) -> list[Step]:
    steps = [checkout(history=history), run("Install bakehouse", INSTALL, {"BAKEHOUSE": settings.installed})]
    return [steps[0], download(".", "project"), steps[1]] if project else steps


def checkout(*, history: bool = False) -> Step:
    depth = {"fetch-depth": 0} if history else {}
    return {"uses": CHECKOUT.uses, "with": {**depth, "persist-credentials": False}}


def run(name: str, script: str, env: Mapping[str, str] | None = None, *, when: str = "") -> Step:
    return {"name": name, **({"if": when} if when else {}), **({"env": dict(env)} if env else {}), "run": script}


def always(step: Step) -> Step:
    """Also after a step that failed: what passed goes on."""
    return {"name": step["name"], "if": "${{ !cancelled() }}", **{key: step[key] for key in step if key != "name"}}


def guarded(settings: Settings) -> dict[str, str]:
    """Secrets of a registry are read in jobs of the environment alone."""
    return {} if settings.registry == OWN else {"environment": ENVIRONMENT}


def login(settings: Settings) -> list[Step]:
    """GitHub's own registry by the job's token; any other by secrets."""
    own = settings.registry == OWN
    env = {
        "REGISTRY": settings.registry or "",
        "REGISTRY_USER": "${{ github.actor }}" if own else "${{ secrets.REGISTRY_USER }}",
        "REGISTRY_PASSWORD": "${{ github.token }}" if own else "${{ secrets.REGISTRY_PASSWORD }}",
    }
    return [run("Log in to the registry", shell.LOGIN, env)]


def cache(settings: Settings) -> dict[str, str]:
    return {"BAKEHOUSE_BUILD_CACHE": settings.ci.cache} if settings.ci.cache else {}


def signing(settings: Settings) -> dict[str, str]:
    return {} if settings.keyless else {"BAKEHOUSE_SIGNING_KEY": "${{ secrets.BAKEHOUSE_SIGNING_KEY }}"}


def gh() -> dict[str, str]:
    return {"GH_TOKEN": "${{ github.token }}", "GH_REPO": "${{ github.repository }}", "RUN": RUN}


def results(name: str, more: str = "") -> list[Step]:
    return [
        always(run("Summary", SUMMARY)),
        always(upload(name, f"reports/2*/\n{more}")),
    ]


def upload(name: str, paths: str) -> Step:
    return {
        "name": f"Keep {paths.split(maxsplit=1)[0]}",
        "uses": UPLOAD.uses,
        "with": {"name": name, "path": paths, "if-no-files-found": "ignore", "retention-days": 14},
    }


def download(folder: str, pattern: str) -> Step:
    options: dict[str, Any] = {"pattern": pattern, "path": folder, "merge-multiple": True}
    return {"uses": DOWNLOAD.uses, "with": options}
