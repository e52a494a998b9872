"""All that is rendered of two sample stacks. `pytest tests/unit/stacks --regenerate` writes it; review the diff."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bakehouse.stacks.elsewhere import for_other_vendors
from bakehouse.stacks.files import render
from bakehouse.stacks.resolve import resolve_stack
from tests.unit.stacks.sample import MIXED, PLAIN, inputs

GOLDEN = Path(__file__).parents[2] / "golden" / "stacks"
FULL = (Path(__file__).parent / "full.yaml").read_text(encoding="utf-8")
PLAIN_STACK = (Path(__file__).parent / "plain.yaml").read_text(encoding="utf-8")


def rendered_of(text: str, host: str, name: str) -> dict[str, str]:
    given = inputs(text, host, name=name)
    plan = resolve_stack(given)
    return dict(render(plan, for_other_vendors(plan, given)).files)


@pytest.mark.parametrize(("name", "text", "host"), [("full", FULL, MIXED), ("plain", PLAIN_STACK, PLAIN)])
def test_what_is_rendered(name: str, text: str, host: str, request: pytest.FixtureRequest) -> None:
    rendered = rendered_of(text, host, name)
    folder = GOLDEN / name
    if request.config.getoption("--regenerate"):
        shutil.rmtree(folder, ignore_errors=True)
        for path, content in rendered.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content, encoding="utf-8")
    there = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    assert rendered == there


def test_rendering_is_pure() -> None:
    assert rendered_of(FULL, MIXED, "full") == rendered_of(FULL, MIXED, "full")
