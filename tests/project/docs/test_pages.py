"""The documents as a whole: sorted by kind, found from one index, and no link leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bakehouse.config.load import load_project
from bakehouse.prove.run import CHECKS
from tests.project.docs import reference
from tests.unit.test_layers import LEVEL

ROOT = Path(__file__).parents[3]
INDEX = ROOT / "docs/README.md"
COMMANDS = ROOT / "docs/commands.md"
PAGES = sorted(path for path in (ROOT / "docs").glob("*.md") if path != INDEX)
DOCUMENTS = sorted(
    {*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("recipes/*/*.md"), *ROOT.glob("buildkit/*.md")}
)
KINDS = {"Tutorials": "Tutorial", "How-to": "How-to", "Reference": "Reference", "Explanation": "Explanation"}
"""Headings of the index, and how the pages below begin (https://diataxis.fr)."""
KIND = re.compile(r"^\*([\w-]+)\.\* ", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)|(?:srcset|src|href)=\"([^\"]+)\"")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """Of its headings, as GitHub makes them."""
    text = FENCED.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


def links(document: Path) -> list[str]:
    text = FENCED.sub("", document.read_text(encoding="utf-8"))
    return [one or other for one, other in LINK.findall(text)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_link_leads_nowhere(document: Path) -> None:
    for link in links(document):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), f"{document.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{document.name}: {link}: {target.name} has {sorted(anchors(target))}"


def test_the_index_has_each_page_once_below_its_kind() -> None:
    found: dict[str, str] = {}
    for part in INDEX.read_text(encoding="utf-8").split("\n## ")[1:]:
        kind = KINDS[part.partition(":")[0]]
        for name in re.findall(r"^\| \[[^\]]+\]\((\w[\w-]*\.md)\)", part, re.MULTILINE):
            assert name not in found, f"{name} is listed twice"
            found[name] = kind
    begin = {
        path.name: re.search(r"^\*([\w-]+)\.\* ", path.read_text(encoding="utf-8"), re.MULTILINE) for path in PAGES
    }
    unsaid = [name for name, said in begin.items() if said is None]
    assert not unsaid, f"say first of which kind they are, like *How-to.*: {unsaid}"
    assert found == {name: said[1] for name, said in begin.items() if said}, "docs/README.md lists each page once"


def test_the_commands_are_those_of_the_program(request: pytest.FixtureRequest) -> None:
    text = reference.page()
    if request.config.getoption("--regenerate"):
        COMMANDS.write_text(text, encoding="utf-8")
    assert COMMANDS.read_text(encoding="utf-8") == text, (
        "docs/commands.md is stale: nox -s tests -- tests/project/docs --regenerate"
    )


@pytest.mark.parametrize("document", ["README.md", "CHANGELOG.md"])
def test_the_catalogue_is_as_large_as_is_said(document: str) -> None:
    """In round numbers, so that a new card changes no text."""
    matrix = load_project(ROOT).world.matrix
    text = " ".join((ROOT / document).read_text(encoding="utf-8").split())
    said = re.search(r"(\d+) toolkits\b.{0,50}?, more than (\d+) archs and (\d+) cards", text)
    assert said, document
    sizes = (len(matrix.toolkits), len(matrix.archs), len(matrix.gpus))
    for number, size in zip(map(int, said.groups()), sizes, strict=True):
        assert 0.8 * size < number <= size, said[0]


@pytest.mark.parametrize("document", ["README.md", "docs/proof.md"])
def test_there_are_as_many_proofs_as_is_said(document: str) -> None:
    said = re.search(r"\b(\d+) checks\b", (ROOT / document).read_text(encoding="utf-8"))
    assert said, document
    assert int(said[1]) == len(CHECKS)


def test_the_rooms_are_those_that_the_layers_have() -> None:
    """In the same order, the highest first."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = text.split("\n## Rooms", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = [frozenset(name.rstrip("/") for name in re.findall(r"`([^`]+)`", row)) for row in rows]
    assert frozenset().union(*named) == frozenset(LEVEL), "docs/architecture.md and tests/unit/test_layers.py differ"
    highest = [max(LEVEL[name] for name in names) for names in named]
    assert highest == sorted(highest, reverse=True)
