from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bakehouse.machine import Card, Machine
from bakehouse.machine.nvidia import memory_bandwidth
from bakehouse.measure.machine_speed import MachineSpeed
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.recipe import Throughput
from bakehouse.model.report import Measurement, Sample
from bakehouse.model.work import MeasuredWork
from bakehouse.pipeline import limits
from bakehouse.pipeline.limits import DeviceLimits, find_limits, measured_alone
from bakehouse.reporters.limits import details
from tests.unit.accelerated import accelerated
from tests.unit.model_files.gguf.build import llama

RTX = Card(accelerator=AcceleratorName.CUDA, name="NVIDIA GeForce RTX 5090", uuid="GPU-1", index=0)
SPEED = MachineSpeed(read=20e9, copy=18e9, products=150e9, working_set=4 * 2**20)
SETTINGS = {"prompt_tokens": 512, "output_tokens": 128, "arguments": {"--cache-type-k": "f16"}}


def measured(device: str) -> list[Measurement]:
    return [
        Measurement(
            workload="tg128",
            metric="decode_rate",
            unit="tokens/s",
            samples=[Sample(start=0, repetition=0, value=10.0)],
            settings=SETTINGS | {"device": device},
        )
    ]


@pytest.fixture
def alone() -> tuple[list[str], Callable[[], AbstractContextManager[object]]]:
    held: list[str] = []

    @contextmanager
    def hold() -> Iterator[None]:
        held.append("held")
        yield

    return held, hold


def find(
    path: Path,
    tmp_path: Path,
    hold: Callable[[], AbstractContextManager[object]],
    *,
    cards: tuple[Card, ...] = (),
    nvml: Any = None,
    work: MeasuredWork | None = None,
) -> tuple[DeviceLimits, list[str]]:
    world, resolution = accelerated()
    cells = []
    for cell in resolution.cells:
        probes = cell.recipe.probes.model_copy(
            update={"throughput": None if work else Throughput(model="tiny"), "work": work}
        )
        cells.append(replace(cell, recipe=cell.recipe.model_copy(update={"probes": probes})))
    said: list[str] = []
    found = find_limits(
        cells,
        {"tiny": path},
        machine=Machine(platform="linux/amd64", cores=2, cards=cards),
        matrix=world.matrix,
        say=said.append,
        processor=measured_alone(tmp_path / "cache", hold),
        bandwidth=lambda card: memory_bandwidth(card, nvml),
    )
    return found, said


def test_a_processor_is_measured_alone_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: tuple[list[str], Any]
) -> None:
    held, hold = alone
    monkeypatch.setattr("bakehouse.measure.machine_speed.measure_speed", lambda _: SPEED)
    path = llama(tmp_path / "m.gguf")
    found, said = find(path, tmp_path, hold)
    (measurement,) = found.added_to("server-cpu-amd64", measured("cpu"))
    assert [one.by for one in measurement.limits] == ["memory", "compute"]
    assert measurement.limits[0].ceiling == SPEED.read
    assert measurement.limits[0].source == "measured here: reading 4.00 MiB at a time"
    (once,) = said
    assert "this processor reads 20.0 GB/s" in once
    assert len([device for _, device in found.devices if device == "cpu"]) > 1, "of several cells"
    assert held == ["held"], "what is known is not measured again"
    model = found.model("server-cpu-amd64", [measurement])
    assert model is not None
    assert model.bytes_per_token > 0
    assert find(path, tmp_path, hold)[0].devices == found.devices
    assert held == ["held"]


WORK = {
    "tasks": [
        {
            "name": "embed",
            "unit": "embeddings",
            "http": {"path": "/v1/embeddings", "body": {"input": "{inputs}"}},
            "inputs": {"sentences": 16},
            "operations": 300_000_000,
        }
    ]
}


def test_work_in_other_units_is_held_against_what_the_processor_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: tuple[list[str], Any]
) -> None:
    monkeypatch.setattr("bakehouse.measure.machine_speed.measure_speed", lambda _: SPEED)
    work = MeasuredWork.model_validate_json(json.dumps(WORK))
    rate = Measurement(
        workload="embed-b1-1c",
        metric="work_rate",
        unit="embeddings/s",
        samples=[Sample(start=0, repetition=0, value=100.0)],
        settings={"device": "cpu", "task": {"name": "embed"}},
    )
    found, _ = find(tmp_path / "none.gguf", tmp_path, alone[1], work=work)
    other = rate.model_copy(update={"settings": {"device": "cpu", "task": {"name": "other"}}})
    time = rate.model_copy(update={"metric": "latency", "unit": "seconds"})
    arriving = rate.model_copy(update={"settings": rate.settings | {"arrivals": 20.0}})
    limited, *rest = found.added_to("server-cpu-amd64", [rate, other, time, arriving])
    (limit,) = limited.limits
    assert (limit.by, limit.rate, limit.work) == ("compute", SPEED.products / 3e8, 3e8)
    assert not any(one.limits for one in rest)
    (said,) = details(limited)
    assert said.startswith("compute: 500 embeddings/s (300 MFLOP for each embedding at 150 GFLOP/s, measured here: ")


def test_a_card_by_its_data_sheet(tmp_path: Path, alone: tuple[list[str], Any]) -> None:
    found, _ = find(llama(tmp_path / "m.gguf"), tmp_path, alone[1], cards=(RTX,))
    (measurement,) = found.added_to("server-cuda12.9-sm120-amd64", measured(RTX.name))
    assert [(one.by, one.ceiling, one.source) for one in measurement.limits] == [
        ("memory", 1792e9, "data sheet of rtx5090")
    ]


class Nvml(SimpleNamespace):
    NVMLError = OSError


def test_a_card_that_the_catalogue_lacks_by_its_bus(tmp_path: Path, alone: tuple[list[str], Any]) -> None:
    nvml = Nvml(
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid,
        nvmlDeviceGetMemoryBusWidth=lambda _: 6144,
        nvmlDeviceGetMaxClockInfo=lambda _, kind: 3201 if kind == 2 else 0,
    )
    other = replace(RTX, name="NVIDIA H999")
    found, _ = find(llama(tmp_path / "m.gguf"), tmp_path, alone[1], cards=(other,), nvml=nvml)
    (measurement,) = found.added_to("server-cuda12.9-sm120-amd64", measured(other.name))
    assert measurement.limits[0].ceiling == pytest.approx(4.917e12, rel=1e-3)
    assert measurement.limits[0].source == "the card's memory bus and clock"
    assert memory_bandwidth(replace(other, uuid=None), nvml) is None


def test_an_instance_of_a_card_has_a_share_that_nobody_tells(tmp_path: Path, alone: tuple[list[str], Any]) -> None:
    part = replace(RTX, name="NVIDIA GeForce RTX 5090 MIG 1")
    found, _ = find(llama(tmp_path / "m.gguf"), tmp_path, alone[1], cards=(part,))
    assert found.added_to("server-cuda12.9-sm120-amd64", measured(part.name))[0].limits == []


def test_a_model_that_cannot_be_read_has_no_limits(tmp_path: Path, alone: tuple[list[str], Any]) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF" + bytes(60))
    found, said = find(path, tmp_path, alone[1])
    assert found.added_to("server-cpu-amd64", measured("cpu"))[0].limits == []
    assert found.model("server-cpu-amd64", measured("cpu")) is None
    assert said == [
        f"what the device allows stays unknown: {path} is GGUF of version 0, and versions 2 and 3 can be read"
    ]


def test_a_device_that_is_not_known_has_no_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: tuple[list[str], Any]
) -> None:
    monkeypatch.setattr(limits, "speed_of_machine", lambda *_, **__: SPEED)
    found, _ = find(llama(tmp_path / "m.gguf"), tmp_path, alone[1])
    assert found.added_to("server-cpu-amd64", measured("lavapipe (software)"))[0].limits == []
    assert found.added_to("another", measured("cpu"))[0].limits == []
