from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Check, ExcludedRecord, Measurement, RunReport, Sample
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
from tests.unit.reporters.world import cell, exclusions, world_run, world_with_comparison

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
    "world": world_run(),
    "whole": world_run().model_copy(update={"cells": world_run().cells[:3]}),
}
BESIDE = {"world": world_with_comparison(), "whole": world_with_comparison()}


@cache
def drawn(name: str) -> tuple[str, Element]:
    text = html.render(RUNS[name], folder=HERE, versus=BESIDE.get(name))
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
        inner = {id(svg) for outer in root.all("svg") for svg in outer.all("svg")}
        drawings = [svg for svg in root.all("svg") if id(svg) not in inner]
        assert all(svg.attributes["role"] == "img" and svg.attributes["aria-label"].strip() for svg in drawings)
        assert not root.all("img")

    def test_what_scrolls_can_be_reached_by_keyboard_and_has_a_name(self, name: str) -> None:
        scrolled = [one for one in drawn(name)[1].all("div") if "scroll" in one.attributes.get("class", "").split()]
        assert all(one.attributes["tabindex"] == "0" and one.attributes["aria-label"] for one in scrolled)

    def test_sections_are_in_the_navigation_and_have_a_heading(self, name: str) -> None:
        root = drawn(name)[1]
        linked = {link.attributes["href"][1:] for link in root.all("nav")[0].all("a")}
        sections = [one for one in root.all("section") if "id" in one.attributes]
        assert {one.attributes["id"] for one in sections} - {"settings"} == linked
        assert all(one.all("h2") for one in sections)


def test_every_verdict_is_said_by_word_and_symbol() -> None:
    root = page(sample_run())
    tiles = [link for link in root.all("a") if "tile" in link.attributes.get("class", "")]
    words = [tile.all("span")[1].words().strip() for tile in tiles]
    assert words == ["✓ passed", "✓ passed", "✗ failed", "! errored"]


def test_the_page_is_readable_without_the_script() -> None:
    text = html.render(sample_run(), folder=HERE)
    without = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    for piece in ("llama-server-cpu-amd64", "another process used 93 %", "libssl3t64", "unsupported GNU version"):
        assert piece in without


def test_a_link_to_a_cell_has_its_name() -> None:
    links = [link for link in drawn("world")[1].all("a") if "tile" in link.attributes.get("class", "")]
    assert " ".join(links[0].words().split()).startswith("llama-server-cpu-amd64: ✓ passed tg 156")


@pytest.mark.parametrize("name", ["sample", "world", "whole"])
def test_no_text_of_a_record_becomes_markup(name: str) -> None:
    run = poisoned(RUNS[name], PAYLOAD)
    clean = Counter(element.tag for element in page(poisoned(RUNS[name], "x")).all("*"))
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


@given(values=st.lists(st.floats(), min_size=1, max_size=6))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_number_gives_a_drawing_with_numbers(values: list[float]) -> None:
    samples = [Sample(start=start, repetition=0, value=value) for start, value in enumerate(values)]
    base = cell("cpu", seed=1, rates=(200, 100))
    changed = [one.model_copy(update={"samples": samples}) for one in base.measurements]
    run = sample_run().model_copy(update={"cells": [base.model_copy(update={"measurements": changed})] * 2})
    elements = page(run).all("*")
    places = [
        value
        for element in elements
        for name, value in element.attributes.items()
        if name in ("x", "y", "x1", "x2", "y1", "y2", "width", "d", "cx", "cy")
    ]
    assert not [place for place in places if re.search("nan|inf|e[+-]?\\d", place)]


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


def test_few_cells_are_whole_and_many_are_brief() -> None:
    whole, brief = (drawn(name)[1] for name in ("sample", "many cells"))
    assert "libssl3t64" in whole.words()
    assert "There are many cells" not in whole.words()
    assert "libssl3t64" not in brief.words()
    assert "run.json has every step, proof, package, label and sample" in " ".join(brief.words().split())
    assert "unsupported GNU version" in brief.words()  # evidence is never cut


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


def section(root: Element, name: str) -> str:
    found = next(part for part in root.all("section") if part.attributes.get("id") == name)
    return " ".join(found.words().split())


def test_fifty_cells_stay_small() -> None:
    measured = [
        cell("cpu", seed=number, rates=(200 + number, 90 + number)).model_copy(
            update={"name": f"llama-server-{number}"}
        )
        for number in range(12)
    ]
    built = world_run(cuda=("cuda12.4", "cuda12.8", "cuda12.9", "cuda13.0", "cuda13.2", "cuda13.3")).cells[3:]
    run = world_run().model_copy(update={"cells": [*measured, *built][:50]})
    text = html.render(run, folder=HERE, versus=world_with_comparison())
    assert len(run.cells) == 50
    assert len(text.encode()) < 300_000


def test_a_cell_says_its_archs_its_driver_and_its_proof() -> None:
    words = section(drawn("world")[1], "matrix")
    assert "driver 525, 575.57.08 for all features" in words
    assert "sm_75 86 89 120, PTX of 120" in words
    assert "13 of 13 proved · 540 MiB" in words
    assert "libggml-cuda.so holds sm_75, sm_86, sm_89, sm_120 in each of its 184 parts" in section(
        drawn("world")[1], "cells"
    )


def test_cells_without_a_base_are_one_problem_with_what_was_tried() -> None:
    words = section(drawn("world")[1], "problems")
    assert "2 cells no base rocm-7.2 for linux/amd64 Tried for base rocm-7.2: registry docker.io/rocm/" in words
    assert words.count("no such host") == 1


def test_exclusions_name_the_nearest_cell_that_can_be_built() -> None:
    words = section(drawn("world")[1], "excluded")
    assert "Nearest that can be built: llama-server-cuda12.9-rtx-amd64 llama-server-cuda12.9-rtx-blas-amd64" in words
    assert f"{len(exclusions())} combinations, 4 reasons" in words


def test_what_changed_comes_with_its_history() -> None:
    words = section(drawn("world")[1], "changes")
    assert "Beside the history: ▼ 1 regress, ? 1 inconclusive, ✓ 1 pass." in words
    assert words.index("regress Decode rate tg128") < words.index("pass Prompt rate pp512")
    assert "since 2026-11-03 6.4% more" in words


def test_a_run_that_was_not_compared_says_so() -> None:
    assert "was not compared with another" in section(drawn("sample")[1], "changes")


def test_three_clocks_stand_side_by_side_where_they_were_held() -> None:
    assert "llama-server-cpu-amd64 tg128" in section(drawn("world")[1], "calibration")
    assert not [one for one in drawn("sample")[1].all("section") if one.attributes.get("id") == "calibration"]


def test_settings_are_said_once() -> None:
    words = section(drawn("whole")[1], "settings")
    assert words.count("lavapipe (computes on the CPU)") == 2  # pp and tg, and the sweep
    assert "A: start, pp512, tg128" in words or "A: pp512, tg128, start" in words


def test_no_text_beside_a_run_becomes_markup() -> None:
    versus = world_with_comparison()
    one = versus.compared[0]
    evil = replace(one, judged=replace(one.judged, cell=PAYLOAD, reason=PAYLOAD, workload=PAYLOAD))
    root = read(html.render(sample_run(), folder=HERE, versus=replace(versus, baseline=PAYLOAD, compared=[evil])))
    assert len(root.all("script")) == 1
    assert not root.all("img")


def test_the_long_workload_is_the_cells_rate_and_the_short_one_is_marked() -> None:
    def rate(workload: str, value: float, *, short: bool = False) -> Measurement:
        samples = [Sample(start=0, repetition=0, value=value)]
        return Measurement(workload=workload, metric="prompt_rate", unit="tokens/s", samples=samples, short=short)

    run = sample_run()
    run.cells[0].measurements = [rate("pp512", 9980.0, short=True), rate("pp4096", 10_100.0)]
    page = html.render(run, folder=Path("nowhere"))
    assert "<dt>Prompt</dt><dd>10,100 " in page
    assert re.search(r"pp512 <span class=.chip.[^>]*>short</span>", page)
    assert not re.search(r"pp4096 <span class=.chip.[^>]*>short</span>", page)
