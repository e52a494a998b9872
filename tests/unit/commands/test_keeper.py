from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bakehouse.commands.keeper import Keeper, hardware_of
from bakehouse.engine.devices import SOFTWARE
from bakehouse.history.collect import collect
from bakehouse.machine import Card, Machine
from bakehouse.model.report import BuildResult, CellReport, Measurement, RunReport, Sample
from bakehouse.model.words import AcceleratorName, Verdict
from tests.unit.test_runs import HOST

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
def keeper(tmp_path: Path, said: list[str]) -> Keeper:
    return Keeper(reports=tmp_path, machine=MACHINE, revisions={"a": "f00"}, say=said.append)


def lines(folder: Path) -> int:
    return sum(len(path.read_text().splitlines()) for path in folder.rglob("*.jsonl"))


def test_what_was_measured_is_kept_with_its_image_revision_and_machine(keeper: Keeper, tmp_path: Path) -> None:
    keeper.keep(run(cell()))
    found = collect(tmp_path / "history")
    assert [(one.image, one.revision) for one in found.runs] == [("sha256:built", "f00")]
    assert [one.hardware.host for one in found.terms] == ["box"]
    assert lines(tmp_path) == 14


@pytest.mark.parametrize(
    "changes", [{"verdict": Verdict.FAILED}, {"verdict": Verdict.ERRORED}, {"finished": None}, {"measurements": []}]
)
def test_a_wrong_image_and_an_unfinished_cell_are_no_history(
    keeper: Keeper, tmp_path: Path, changes: dict[str, object]
) -> None:
    keeper.keep(run(cell().model_copy(update=changes)))
    assert not (tmp_path / "history").exists()


def test_a_run_that_goes_on_adds_only_what_is_missing(keeper: Keeper, tmp_path: Path) -> None:
    keeper.keep(run(cell("a", measured(starts=3))))
    again = Keeper(reports=tmp_path, machine=MACHINE, revisions={}, say=keeper.say)
    for _ in range(2):
        again.keep(run(cell(), cell("b")))
    assert lines(tmp_path / "history" / "a") == 14
    assert lines(tmp_path / "history" / "b") == 14


def test_another_run_is_added_to_the_same_file(keeper: Keeper, tmp_path: Path) -> None:
    keeper.keep(run(cell()))
    Keeper(reports=tmp_path, machine=MACHINE, revisions={}, say=keeper.say).keep(run(cell(), night=1))
    assert lines(tmp_path) == 28


def test_a_history_that_cannot_be_written_is_said_and_tried_again(
    keeper: Keeper, tmp_path: Path, said: list[str]
) -> None:
    (tmp_path / "history").write_text("a file where the folder should be")
    keeper.keep(run(cell()))
    (text,) = said
    assert text.startswith("a: its measurements were not added to the history: nothing was added to ")
    (tmp_path / "history").unlink()
    keeper.keep(run(cell()))
    assert lines(tmp_path) == 14


def test_a_history_of_a_newer_bakehouse_is_added_to_and_stays(keeper: Keeper, tmp_path: Path) -> None:
    path = tmp_path / "history" / "a" / "2026-11.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"schema_version":99,"run":"x"}\n')
    keeper.keep(run(cell()))
    assert path.read_text().startswith('{"schema_version":99,"run":"x"}\n')
    assert lines(tmp_path) == 15


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
