from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bakehouse.engine.devices import SOFTWARE
from bakehouse.errors import ExitCode
from bakehouse.history.collect import collect
from bakehouse.history.journal import append
from bakehouse.machine import Card, Machine
from bakehouse.model.enums import AcceleratorName, Change, Verdict
from bakehouse.model.history import Decision
from bakehouse.model.report import BuildResult, CellReport, Measurement, RunReport, Sample
from bakehouse.pipeline.history_writer import HistoryWriter, hardware_of, recall
from bakehouse.pipeline.run_steps import regression_code
from bakehouse.reporters.comparison import RunComparison
from tests.unit.pipeline.test_run_folder import HOST

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
CARD = Card(accelerator=AcceleratorName.CUDA, name="RTX 4090", memory=2**34, driver="550.54")
MACHINE = Machine(platform="linux/amd64", cores=2, cards=(CARD, replace(CARD, number=1)))


def measured(value: float = 100.0, *, device: str = "cpu", starts: int = 7) -> Measurement:
    return Measurement(
        workload="tg128",
        metric="decode_rate",
        unit="tokens/s",
        samples=[
            Sample(start=start, repetition=repetition, value=value + start / 10 + repetition / 20)
            for start in range(starts)
            for repetition in range(2)
        ],
        settings={"device": device},
    )


def cell(name: str = "a", *measurements: Measurement, verdict: Verdict = Verdict.PASSED) -> CellReport:
    return CellReport(
        name=name,
        recipe="llama-server",
        accelerator="cpu",
        flag_set="default",
        platform="linux/amd64",
        verdict=verdict,
        finished=NOW,
        build=BuildResult(verdict=Verdict.PASSED, seconds=1.0, image="sha256:built"),
        measurements=list(measurements or [measured()]),
    )


def run(*cells: CellReport, night: int = 0) -> RunReport:
    started = NOW + timedelta(days=night)
    return RunReport(
        run=f"{started:%Y%m%d-%H%M%S}-abcdef",
        bakehouse="1",
        command=[],
        fingerprint="",
        started=started,
        verdict=Verdict.PASSED,
        host=HOST,
        cells=list(cells),
    )


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def writer(tmp_path: Path, said: list[str]) -> HistoryWriter:
    return HistoryWriter(reports=tmp_path, machine=MACHINE, revisions={"a": "f00"}, say=said.append)


def lines(folder: Path) -> int:
    return sum(len(path.read_text().splitlines()) for path in folder.rglob("*.jsonl"))


def test_what_was_measured_is_kept_with_its_image_revision_and_machine(writer: HistoryWriter, tmp_path: Path) -> None:
    writer.keep(run(cell()))
    found = collect(tmp_path / "history")
    assert [(one.image, one.revision) for one in found.runs] == [("sha256:built", "f00")]
    assert [one.hardware.host for one in found.terms] == ["box"]
    assert lines(tmp_path) == 14


@pytest.mark.parametrize(
    "changes", [{"verdict": Verdict.FAILED}, {"verdict": Verdict.ERRORED}, {"finished": None}, {"measurements": []}]
)
def test_a_wrong_image_and_an_unfinished_cell_are_no_history(
    writer: HistoryWriter, tmp_path: Path, changes: dict[str, object]
) -> None:
    writer.keep(run(cell().model_copy(update=changes)))
    assert not (tmp_path / "history").exists()


def test_a_run_that_goes_on_adds_only_what_is_missing(writer: HistoryWriter, tmp_path: Path) -> None:
    writer.keep(run(cell("a", measured(starts=3))))
    again = HistoryWriter(reports=tmp_path, machine=MACHINE, revisions={}, say=writer.say)
    for _ in range(2):
        again.keep(run(cell(), cell("b")))
    assert lines(tmp_path / "history" / "a") == 14
    assert lines(tmp_path / "history" / "b") == 14


def test_another_run_is_added_to_the_same_file(writer: HistoryWriter, tmp_path: Path) -> None:
    writer.keep(run(cell()))
    HistoryWriter(reports=tmp_path, machine=MACHINE, revisions={}, say=writer.say).keep(run(cell(), night=1))
    assert lines(tmp_path) == 28


def test_a_history_that_cannot_be_written_is_said_and_tried_again(
    writer: HistoryWriter, tmp_path: Path, said: list[str]
) -> None:
    (tmp_path / "history").write_text("a file where the folder should be")
    writer.keep(run(cell()))
    (text,) = said
    assert text.startswith("a: its measurements were not added to the history: nothing was added to ")
    (tmp_path / "history").unlink()
    writer.keep(run(cell()))
    assert lines(tmp_path) == 14


def test_a_history_of_a_newer_bakehouse_is_added_to_and_stays(writer: HistoryWriter, tmp_path: Path) -> None:
    path = tmp_path / "history" / "a" / "2026-11.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"schema_version":99,"run":"x"}\n')
    writer.keep(run(cell()))
    assert path.read_text().startswith('{"schema_version":99,"run":"x"}\n')
    assert lines(tmp_path) == 15


def nights(writer: HistoryWriter, number: int) -> None:
    for night in range(number):
        replace_kept = HistoryWriter(reports=writer.reports, machine=MACHINE, revisions={}, say=writer.say)
        replace_kept.keep(run(cell("a", measured(100 + night % 3 / 10)), night=night))


@pytest.mark.parametrize(
    ("value", "verdict", "code"),
    [(100.0, Change.PASS, 0), (85.0, Change.REGRESS, 1), (115.0, Change.IMPROVE, 0)],
)
def test_a_run_is_judged_beside_the_runs_before_it(
    writer: HistoryWriter, value: float, verdict: Change, code: int
) -> None:
    nights(writer, 6)
    tonight = run(cell("a", measured(value)), night=9)
    versus = writer.compare(tonight)
    assert versus is not None
    assert [one.judged.verdict for one in versus.compared] == [verdict]
    assert regression_code(versus) == code
    assert recall(writer.reports, tonight, say=writer.say) is None, "it was not kept"
    writer.keep(tonight)
    again = recall(writer.reports, tonight, say=writer.say)
    assert again is not None
    assert [one.judged for one in again.compared] == [one.judged for one in versus.compared]


def test_a_first_run_is_beside_nothing_and_says_so_once(writer: HistoryWriter) -> None:
    first = run(cell())
    writer.keep(first)
    versus = writer.compare(first)
    assert versus == RunComparison(baseline="the history (no earlier run of it)", compared=())
    assert regression_code(versus) == 0


def test_a_wrong_image_is_compared_with_nothing(writer: HistoryWriter) -> None:
    nights(writer, 6)
    versus = writer.compare(run(cell("a", measured(50), verdict=Verdict.FAILED), night=9))
    assert versus is not None
    assert not versus.compared


def test_what_this_machine_cannot_measure_gets_no_verdict(writer: HistoryWriter) -> None:
    nights(writer, 3)
    nothing = Sample(start=0, repetition=0, value=0.0, verdict=Verdict.SKIPPED, reason="unsupported")
    energy = Measurement(workload="tg128", metric="energy_per_token", unit="joules/token", samples=[nothing])
    versus = writer.compare(run(cell("a", measured(), energy), night=9))
    assert versus is not None
    assert [one.judged.metric for one in versus.compared] == ["decode_rate"]


def test_a_pinned_run_that_is_missing_is_said(writer: HistoryWriter) -> None:
    pin = Decision(schema_version=1, kind="pin", cell="a", run="gone", time=NOW)
    append(writer.reports / "baselines" / "decisions.jsonl", [pin])
    versus = writer.compare(run(cell()))
    assert versus is not None
    assert [one.judged.reason for one in versus.compared] == [
        "run gone, which is pinned, has no tg128 decode_rate of a in the history"
    ]


def test_lines_that_cannot_be_used_are_said_and_the_rest_is(writer: HistoryWriter, said: list[str]) -> None:
    nights(writer, 6)
    with (writer.reports / "history" / "a" / "2026-11.jsonl").open("a") as file:
        file.write('{"schema_version":99}\n' + "no json\n" * 4)
    versus = writer.compare(run(cell("a", measured(85)), night=9))
    assert versus is not None
    assert versus.tally == [(Change.REGRESS, 1)]
    assert ":85: was written in schema 99" in said[0]
    assert said[-1] == f"and 2 more such lines in {writer.reports / 'history'}"


def test_a_history_that_cannot_be_read_is_said_and_is_no_green_gate(writer: HistoryWriter, said: list[str]) -> None:
    (writer.reports / "history" / "a" / "2026-11.jsonl").mkdir(parents=True)
    versus = writer.compare(run(cell()))
    assert versus is None
    assert said == [
        f"nothing was compared: {writer.reports / 'history/a/2026-11.jsonl'} cannot be read: Is a directory"
    ]
    assert regression_code(versus) == ExitCode.INFRASTRUCTURE


def test_the_card_that_computed_is_the_hardware() -> None:
    found = hardware_of(cell("a", measured(device="RTX 4090")), HOST, MACHINE)
    assert [(gpu.name, gpu.driver) for gpu in found.gpus] == [("RTX 4090", "550.54")]
    assert found.device == "RTX 4090"


def test_an_idle_card_does_not_keep_processor_from_processor() -> None:
    host = HOST.model_copy(update={"gpus": ["RTX 4090 (24564 MiB, driver 550.54)"]})
    assert hardware_of(cell(), host, MACHINE) == hardware_of(cell(), HOST, MACHINE)
    software = hardware_of(cell("a", measured(device=SOFTWARE)), host, MACHINE)
    assert software.is_software
    assert not software.gpus
