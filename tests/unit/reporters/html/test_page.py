from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakehouse.model.report import Check, ExcludedRecord, RunReport
from bakehouse.model.words import Verdict
from bakehouse.reporters import html
from tests.unit.reporters.html.outline import Element, read
from tests.unit.reporters.poison import poisoned
from tests.unit.reporters.sample import (
    empty_run,
    errored_cell,
    failed_cell,
    passed_cell,
    sample_run,
    unfinished_run,
    write_logs,
)

HERE = Path("nowhere")
PAYLOAD = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"


def page(run: RunReport, *, folder: Path = HERE) -> Element:
    return read(html.render(run, folder=folder))


def short_run() -> RunReport:
    cell = passed_cell("x", flag_set="default", seed=1, decode=100)
    cell.tests, cell.checks = cell.tests[-1:], [Check(name="a", verdict=Verdict.FAILED, message="m", details=["d"])]
    cell.measurements = cell.measurements[1:2]
    return sample_run().model_copy(update={"cells": [cell, failed_cell()]})


RUNS = {
    "sample": sample_run(),
    "no cells": empty_run(),
    "nothing at all": empty_run().model_copy(update={"excluded": []}),
    "not finished": unfinished_run(),
    "errored before the build": sample_run().model_copy(update={"cells": [errored_cell()]}),
    "many cells": sample_run().model_copy(update={"cells": sample_run().cells * 3}),
}


@cache
def drawn(name: str) -> tuple[str, Element]:
    text = html.render(RUNS[name], folder=HERE)
    return text, read(text)


@pytest.mark.parametrize("name", RUNS)
class TestEveryPage:
    def test_nothing_is_fetched(self, name: str) -> None:
        text = drawn(name)[0]
        sources = re.findall(r"""(?:src|srcset|data|action|poster)=["']?([^"' >]*)""", text)
        assert not [source for source in sources if source.startswith(("http", "//", "/"))]
        assert "@import" not in text
        assert "url(" not in text

    def test_only_our_style_and_script_may_run(self, name: str) -> None:
        root = drawn(name)[1]
        policy = next(
            meta.attributes["content"]
            for meta in root.all("meta")
            if meta.attributes.get("http-equiv") == "Content-Security-Policy"
        )
        assert policy.startswith("default-src 'none'")
        for tag in ("style", "script"):
            (element,) = root.all(tag)
            digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
        assert not [element for element in root.all("*") if "style" in element.attributes]

    def test_ids_are_unique_and_what_points_at_them_finds_them(self, name: str) -> None:
        elements = drawn(name)[1].all("*")
        ids = Counter(element.attributes["id"] for element in elements if "id" in element.attributes)
        assert not [id_ for id_, times in ids.items() if times > 1]
        pointed = {
            element.attributes["aria-labelledby"] for element in elements if "aria-labelledby" in element.attributes
        }
        pointed |= {
            element.attributes["href"][1:] for element in elements if element.attributes.get("href", "").startswith("#")
        }
        assert pointed <= set(ids)

    def test_headings_leave_no_level_out(self, name: str) -> None:
        levels = [int(element.tag[1]) for element in drawn(name)[1].all("*") if re.fullmatch("h[1-6]", element.tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))

    def test_landmarks(self, name: str) -> None:
        root = drawn(name)[1]
        assert [len(root.all(tag)) for tag in ("main", "nav", "footer")] == [1, 1, 1]
        assert root.all("html")[0].attributes["lang"] == "en"

    def test_tables_and_drawings_speak(self, name: str) -> None:
        root = drawn(name)[1]
        assert all(table.all("caption") for table in root.all("table"))
        assert all("scope" in head.attributes for head in root.all("th"))
        drawings = [svg for svg in root.all("svg") if "height" in svg.attributes and "x" not in svg.attributes]
        assert all(svg.attributes["role"] == "img" and svg.attributes["aria-label"] for svg in drawings)


def test_every_verdict_is_said_by_word_and_symbol() -> None:
    root = page(sample_run())
    tiles = [link for link in root.all("a") if "tile" in link.attributes.get("class", "")]
    words = [tile.all("span")[0].words().strip() for tile in tiles]
    assert words == ["passed✓", "passed✓", "failed✗", "errored!"]


def test_the_page_is_readable_without_the_script() -> None:
    text = html.render(sample_run(), folder=HERE)
    without = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    for piece in ("llama-server-cpu-amd64", "another process used 93 %", "libssl3t64", "unsupported GNU version"):
        assert piece in without


def test_no_text_of_a_record_becomes_markup() -> None:
    run = poisoned(sample_run(), PAYLOAD)
    clean = Counter(element.tag for element in page(poisoned(sample_run(), "x")).all("*"))
    elements = page(run).all("*")
    assert len([element for element in elements if element.tag == "script"]) == 1
    assert not [element for element in elements if element.tag == "img"]
    assert not [name for element in elements for name in element.attributes if name.startswith("on")]
    found = Counter(element.tag for element in elements)
    assert {tag for tag in found if tag not in clean} <= {"wbr"}
    assert "49" not in page(run).all("h3")[0].words()


@given(text=st.text())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_gives_a_page_that_reads(text: str) -> None:
    root = page(poisoned(short_run(), text))
    assert len(root.all("article")) == 2
    assert len(root.all("script")) == 1


def test_only_web_addresses_become_links() -> None:
    links = ["javascript:alert(1)", "https://example.org/x", "data:text/html,x"]
    excluded = [ExcludedRecord(name="a", reason=link, rule="r", link=link) for link in links]
    root = page(sample_run().model_copy(update={"excluded": excluded}))
    addresses = [link.attributes["href"] for link in root.all("a")]
    assert [address for address in addresses if ":" in address] == ["https://example.org/x"]


def test_logs_are_shown_without_their_colours_and_linked(tmp_path: Path) -> None:
    write_logs(tmp_path)
    root = page(sample_run(), folder=tmp_path)
    shown = "\n".join(log.words() for log in root.all("pre"))
    assert "srv    load_model: loading model" in shown
    assert "FAILED: [code=1]" in shown
    assert "./logs/llama-server-cuda12.4-sm86-amd64.build.log" in {
        link.attributes.get("href") for link in root.all("a")
    }


def test_few_cells_are_open_many_are_folded_unless_they_have_problems() -> None:
    def folded(run: RunReport) -> list[str]:
        return [
            article.attributes["class"]
            for article in page(run).all("article")
            if article.all("details") and "open" not in article.all("details")[0].attributes
        ]

    assert folded(sample_run()) == []
    assert folded(RUNS["many cells"]) == ["cell passed"] * 6


def test_a_run_that_is_not_finished_says_so() -> None:
    text = page(unfinished_run()).all("main")[0].words()
    assert "This run is not finished." in text
    assert "This run is not finished." not in page(sample_run()).all("main")[0].words()


@pytest.mark.parametrize(
    ("name", "words"),
    [("no cells", "only combinations that are excluded"), ("nothing at all", "Nothing matched the selection")],
)
def test_a_run_without_cells_says_why(name: str, words: str) -> None:
    assert words in page(RUNS[name]).all("main")[0].words()


def test_two_cells_of_one_name_have_two_sections() -> None:
    anchors = [article.attributes["id"] for article in page(RUNS["many cells"]).all("article")]
    assert anchors[0] == "cell-llama-server-cpu-amd64"
    assert len(set(anchors)) == 12


def test_cells_measured_under_different_settings_share_no_axis() -> None:
    run = sample_run()
    assert [element for element in page(run).all("section") if element.attributes.get("id") == "compare"]
    for measurement in run.cells[1].measurements:
        measurement.settings = {"threads": 4}
    assert not [element for element in page(run).all("section") if element.attributes.get("id") == "compare"]


def test_supplies_show_what_was_tried_in_order() -> None:
    section = next(part for part in page(sample_run()).all("section") if part.attributes.get("id") == "supplies")
    attempts = [" ".join(item.words().split()) for item in section.all("ol")[0].all("li")]
    assert attempts[0].endswith("no such host did not answer")
    assert attempts[1].endswith("127 MB answered")
    assert "not locked" in section.words()
