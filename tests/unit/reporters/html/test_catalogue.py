from __future__ import annotations

import json

from bakehouse.model.image_catalogue import ImageCatalogue, as_json
from bakehouse.reporters.html.catalogue import build, render
from tests.unit.reporters.html.outline import read
from tests.unit.reporters.images import NOON, REPOSITORY, digest, image, sample_catalogue

POISON = "'\"></code><script>alert(1)</script>\x1b[31m{{ 7 * 7 }}"
EMPTY = ImageCatalogue(bakehouse="0.1.0", made=NOON)


def words(catalogue: ImageCatalogue) -> str:
    (main,) = read(render(catalogue)).all("main")
    return " ".join(main.words().split())


def test_every_image_has_its_line_to_pull_and_what_to_know_first() -> None:
    said = words(sample_catalogue())
    for letter in "abcde":
        assert f"docker pull {REPOSITORY}@{digest(letter)}" in said
    assert "stale: no run has confirmed it since 2026-11-27" in said
    assert "It will be gone from 2026-12-27 on." in said
    assert "1 test failed: test_smoke.py::test_answers" in said
    assert "nothing of it is signed by a key that is known here" in said
    assert "registry.example.org/me/embedder cannot be read" in said
    assert f"{REPOSITORY}:b11000-cpu-20260801" in said


def test_cards_that_the_same_images_serve_share_a_row() -> None:
    rows = {row.cards: [view.record.variant for view in row.images] for row in build(sample_catalogue()).rows}
    assert rows == {
        ("cpu",): ["cpu"],
        ("rtx5080",): ["cuda12.9-sm120", "cuda13.0-sm120"],
        ("rtx5090",): ["cuda12.9-sm120", "cuda13.0-sm120", "vulkan"],
        ("rtx3080", "rtx4090"): ["cuda12.9-sm86"],
        ("rx7900xtx",): ["vulkan"],
    }


def test_an_empty_catalogue_says_what_to_do() -> None:
    assert "No channel names an image" in words(EMPTY)


def test_links_lead_to_what_is_there() -> None:
    page = read(render(sample_catalogue()))
    anchors = {one.attributes.get("id") for one in page.all("article")}
    linked = {one.attributes["href"][1:] for one in page.all("a") if one.attributes["href"].startswith("#image-")}
    assert linked == anchors


def test_hostile_text_stays_text() -> None:
    hostile = image("cpu", "a", version=POISON, tags=[POISON], cards=[POISON], attestations=[POISON])
    text = render(EMPTY.model_copy(update={"title": POISON, "images": [hostile], "unread": [POISON]}))
    assert "<script>alert" not in text
    assert text.count("<script>") == 1


def test_programs_get_the_line_to_pull() -> None:
    found = json.loads(json.dumps(as_json(sample_catalogue())))
    assert found["images"][0]["pull"] == f"{REPOSITORY}@{digest('a')}"
    assert ImageCatalogue.model_validate(found) == sample_catalogue(), "and what is written is read"
