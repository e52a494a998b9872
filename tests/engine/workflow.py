"""Runs the jobs of a workflow of GitHub Actions here: each in a fresh clone, its shell as it is written.

Of the actions that it uses, checkout is a clone, and artifacts are folders. Bakehouse is not installed anew.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bakehouse.ci.actions import CHECKOUT, DOWNLOAD, UPLOAD
from bakehouse.system import process

INSTALL = "Install bakehouse"
TIME_LIMIT = 600.0
_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


@dataclass
class Workflow:
    text: str
    repository: Path
    folder: Path
    """Clones and artifacts go there."""
    environ: Mapping[str, str]
    given: dict[str, str] = field(default_factory=dict)
    """What expressions stand for: `github.ref`, `needs.plan.outputs.build`, ..."""
    said: list[str] = field(default_factory=list)

    @property
    def jobs(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.load(self.text, Loader=yaml.BaseLoader)["jobs"]
        return found

    def run(self) -> dict[str, int]:
        """All jobs in their order; the exit code of each, those of a matrix by number: `build 0`."""
        codes: dict[str, int] = {}
        for name, job in self.jobs.items():
            if not self._is_wanted(job.get("if", "")):
                continue
            for number, row in enumerate(self._rows(job)):
                key = f"{name} {number}" if "strategy" in job else name
                codes[key] = self._job(key.replace(" ", "-"), job, row | {"strategy.job-index": str(number)})
                self.given[f"needs.{name}.result"] = "success" if codes[key] == 0 else "failure"
        return codes

    def _is_wanted(self, condition: str) -> bool:
        """Of the conditions that our workflows have."""
        outputs = re.findall(r"needs\.plan\.outputs\.(\w+) != '\[\]'", condition)
        skipped = "needs.publish.result != 'skipped'" in condition and "needs.publish.result" not in self.given
        return not skipped and all(self.given.get(f"needs.plan.outputs.{name}", "[]") != "[]" for name in outputs)

    def _rows(self, job: Mapping[str, Any]) -> list[dict[str, str]]:
        matrix = job.get("strategy", {}).get("matrix")
        if not matrix:
            return [{}]
        ((name, value),) = matrix.items()
        rows = json.loads(self.given[value.removeprefix("${{ fromJSON(").removesuffix(") }}")])
        return [{f"matrix.{name}.{key}": str(cell) for key, cell in row.items()} for row in rows]

    def _job(self, name: str, job: Mapping[str, Any], row: Mapping[str, str]) -> int:
        clone = self.folder / "clones" / name
        shutil.rmtree(clone, ignore_errors=True)
        clone.mkdir(parents=True)
        output, code = self.folder / f"{name}.output", 0
        output.write_text("")
        for step in job["steps"]:
            if (code and "!cancelled()" not in step.get("if", "")) or not self._is_wanted(step.get("if", "")):
                continue
            if uses := step.get("uses"):
                self._action(uses, {key: self._text(value, row) for key, value in step["with"].items()}, clone)
            elif step["name"] != INSTALL:
                code = self._shell(step, row, clone, output) or code
        prefix = f"needs.{name}.outputs."
        self.given |= {
            prefix + key: value for key, _, value in (line.partition("=") for line in output.read_text().splitlines())
        }
        return code

    def _shell(self, step: Mapping[str, Any], row: Mapping[str, str], clone: Path, output: Path) -> int:
        own = {key: self._text(value, row) for key, value in step.get("env", {}).items()}
        files = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md")}
        env = {**self.environ, **files, "RUNNER_TEMP": str(self.folder), "PAUSE": "0", **own}
        done = process.run(["bash", "-e", "-c", step["run"]], env=env, cwd=clone, check=False, timeout=TIME_LIMIT)
        self.said.append(f"--- {step['name']}: {done.code}\n{done.stdout}{done.stderr}")
        return done.code

    def _action(self, uses: str, options: Mapping[str, str], clone: Path) -> None:
        artifacts = self.folder / "artifacts"
        match uses:
            case CHECKOUT.uses:
                process.run(["git", "clone", "--quiet", str(self.repository), str(clone)], env=self.environ)
            case UPLOAD.uses:
                self._upload(options["path"].split(), artifacts / options["name"], clone)
            case DOWNLOAD.uses:
                for artifact in sorted(artifacts.glob(options["pattern"])):
                    shutil.copytree(artifact, clone / options["path"], dirs_exist_ok=True)
            case _:
                raise AssertionError(uses)

    def _upload(self, patterns: list[str], artifact: Path, clone: Path) -> None:
        """Paths lie below their common folder: of one pattern, what stands before its first wildcard."""
        shutil.rmtree(artifact, ignore_errors=True)
        below = clone / patterns[0].partition("*")[0].rpartition("/")[0] if len(patterns) == 1 else clone
        for path in [found for pattern in patterns for found in clone.glob(pattern.rstrip("/"))]:
            to = artifact / path.relative_to(below)
            to.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, to, dirs_exist_ok=True)
            else:
                shutil.copy(path, to)

    def _text(self, value: str, row: Mapping[str, str]) -> str:
        known = {**self.given, **row}
        return _EXPRESSION.sub(lambda match: known.get(match[1], ""), value)
