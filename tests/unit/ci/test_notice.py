from __future__ import annotations

from bakehouse.ci.notice import notice
from bakehouse.model.enums import Verdict
from bakehouse.model.publish_report import GateReport, PublishReport, VariantReport
from bakehouse.model.report import CellReport, RunReport
from tests.unit.reporters.images import NOON, sample_catalogue
from tests.unit.reporters.sample import sample_run

GOOD = sample_catalogue().model_copy(update={"images": sample_catalogue().images[:2], "unread": []})


def run(*cells: tuple[str, Verdict, str], minute: int = 0) -> RunReport:
    reports = [
        CellReport(
            name=name, recipe="x", accelerator="cpu", flag_set="default", platform="linux/amd64", verdict=verdict,
            reason=reason,
        )
        for name, verdict, reason in cells
    ]  # fmt: skip
    return sample_run().model_copy(update={"cells": reports, "started": NOON.replace(minute=minute)})


def test_where_all_is_well_nothing_is_said() -> None:
    assert notice([run(("llama-server-cpu-amd64", Verdict.PASSED, ""))], GOOD) == ""
    assert notice([], None) == ""


def test_what_was_good_and_is_not_comes_first() -> None:
    said = notice(
        [run(("a-new-cell", Verdict.FAILED, "proof: x"), ("llama-server-cpu-amd64", Verdict.FAILED, "too slow"))], GOOD
    ).splitlines()
    assert said[0] == "### 2 cells failed"
    assert said[2] == (
        "- **llama-server-cpu-amd64**: too slow (it was good before: nightly stays at b11312-cpu-20261127)"
    )
    assert said[3] == "- **a-new-cell**: proof: x (no channel names an image of it)"


def test_a_failure_counts_more_than_a_machine_that_could_not_tell() -> None:
    tests = run(("a", Verdict.ERRORED, "no engine"), ("b", Verdict.ERRORED, "no engine"), minute=2)
    said = notice([tests, run(("a", Verdict.FAILED, "wrong"), minute=1)], None)
    assert "### 1 cell failed" in said
    assert "**a**: wrong" in said
    assert "### 1 cell errored" in said
    assert "**b**: no engine" in said


def test_channels_that_nobody_confirmed_are_told() -> None:
    said = notice([], sample_catalogue())
    assert "**nightly llama-server cuda12.9-sm120**" not in said
    assert "- **nightly llama-server cuda13.0-sm120**: last confirmed 2026-11-27" in said
    assert "embedder cannot be read" in said


def test_a_channel_that_a_gate_kept_is_told_with_the_gate() -> None:
    slow = GateReport(gate="speed", cell="x", state="failed", rule="when-run", reason="1 figure worse", blocks=True)
    told = GateReport(gate="licences", cell="x", state="failed", rule="reported", reason="denied", blocks=False)
    row = {"recipe": "llama-server", "repository": "r", "digest": "sha256:a", "tag": "t", "channel": "nightly"}
    variants = [
        VariantReport.model_validate(row | {"variant": "cpu", "outcome": "stays", "gates": [slow, told]}),
        VariantReport.model_validate(row | {"variant": "vulkan", "outcome": "moves"}),
    ]
    said = notice([], None, [PublishReport(time=NOON, runs=[], variants=variants)])
    assert "### 1 channel tag did not move" in said
    assert "- **nightly llama-server cpu**: speed failed: 1 figure worse\n" in said
    assert "vulkan" not in said


def test_a_reason_is_text_and_mentions_nobody() -> None:
    said = notice([run(("a", Verdict.FAILED, "@everyone <img src=x>\n# [x](http://example.org)"))], None)
    assert r"\@everyone \<img src=x\> \# \[x\](http://example.org)" in said
