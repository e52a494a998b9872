"""Rendered Dockerfiles keep hadolint's rules, but for those that `.hadolint.yaml` leaves out with a reason."""

from __future__ import annotations

import json
import re
import sysconfig
from pathlib import Path

import pytest

from bakehouse.system import process
from tests.unit.projects import ROOT

HADOLINT = Path(sysconfig.get_path("scripts")) / "hadolint"
RENDERED = ROOT / "tests/golden/plans/published"


def lint(*paths: Path, config: Path = ROOT / ".hadolint.yaml") -> list[str]:
    """What hadolint says, one line a finding."""
    arguments = [str(HADOLINT), "--config", str(config), "--format", "json", *map(str, paths)]
    found = json.loads(process.run(arguments, check=False).stdout)
    return [f"{Path(row['file']).name}:{row['line']} {row['code']} {row['message']}" for row in found]


def codes(findings: list[str]) -> set[str]:
    return {finding.split()[1] for finding in findings}


def skeleton(dockerfile: str) -> str:
    """The text without comments and values: cells that differ in nothing else break the same rules."""
    lines = [line for line in dockerfile.splitlines() if not line.startswith("#")]
    return re.sub(r"=\S+|\bgfx\w+", "", "\n".join(lines))


def test_rendered_dockerfiles() -> None:
    unlike = {skeleton(path.read_text()): path for path in sorted(RENDERED.glob("*.Dockerfile"))}
    assert len(unlike) > 1
    assert not lint(*unlike.values())


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("RUN apt-get update && apt-get install -y curl", "DL3015"),
        ("RUN rm $1", "SC2086"),
        ("ADD a.txt /a.txt", "DL3020"),
    ],
)
def test_a_rule_that_is_broken_is_found(tmp_path: Path, line: str, code: str) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(f"FROM debian-trixie\n{line}\n")
    assert code in codes(lint(path))


def test_each_exception_is_needed_and_has_a_reason(tmp_path: Path) -> None:
    rows = (ROOT / ".hadolint.yaml").read_text().split("ignored:\n")[1].splitlines()
    ignored = {found[1] for row in rows if (found := re.fullmatch(r"  - (\w+)  # .{20,}", row))}
    assert len(ignored) == len(rows), "an exception without a reason"
    path = tmp_path / "Dockerfile"
    path.write_text(
        "FROM debian-trixie\n"
        "COPY --from=context /x /x\n"
        "RUN cd /x && apt-get install -y --no-install-recommends 'a$b' | cat\n"
    )
    (tmp_path / "none.yaml").write_text("ignored: []\n")
    assert ignored <= codes(lint(path, config=tmp_path / "none.yaml"))
    assert not ignored & codes(lint(path))
