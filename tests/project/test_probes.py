"""A probe is a module, tests of images, a line in PROBES and a row in the documents: none of them is forgotten."""

from __future__ import annotations

import re

from bakehouse.probes import PROBES
from tests.unit.projects import ROOT

OF_RECIPES = "recipe"
"""Tests of images that stand in a recipe's own folder."""


def test_tests_of_images_are_those_of_probes() -> None:
    """Those of a probe without a line would be taken for a recipe's own."""
    found = {path.stem.removeprefix("test_") for path in (ROOT / "tests/images").glob("test_*.py")}
    missing, gone = found - set(PROBES), set(PROBES) - found - {OF_RECIPES}
    assert not missing, f"add to PROBES in src/bakehouse/probes/__init__.py: {sorted(missing)}"
    assert not gone, f"there is no tests/images/test_NAME.py for {sorted(gone)}"


def test_each_probe_has_a_row_in_the_documents() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/probes.md").read_text(encoding="utf-8"), re.MULTILINE)
    missing = set(PROBES) - set(rows)
    assert not missing, f"add a row to the first table of docs/probes.md: {sorted(missing)}"
