from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bakehouse.errors import InfrastructureError
from bakehouse.measure.aiperf import Result
from bakehouse.measure.workload_runs import PlannedLoad
from bakehouse.model.enums import Disturbance, Verdict
from bakehouse.model.history import Value
from bakehouse.model.recipe import Chat, Limits, Load, LongContext, Sweep
from bakehouse.model.report import Measurement
from bakehouse.model.suite import Workload
from bakehouse.probes import ProbeFailed
from bakehouse.probes.external import Profiled, loads_of
from bakehouse.probes.measured_server import MeasuredServer
from bakehouse.probes.series import Turns, take, void_reasons
from tests.doubles.mock import mock_server
from tests.doubles.mock_server import Script
from tests.unit.probes.test_throughput import Load as Machine

SWEEP = Sweep(kind="sweep", users=(1, 2), requests_each=1, prompt_words=8, output_tokens=4)
GOOD = Result(
    values={"system_rate": Value(value=100.0, unit="tokens/s"), "ttft": Value(value=0.02, unit="seconds")}, answered=2
)
ASKED = Workload(
    model_path="/m",
    model_sha256="0" * 64,
    prompt_tokens=512,
    output_tokens=128,
    starts=2,
    repetitions=5,
    load_repetitions=2,
)


@dataclass
class Fake:
    """Gives these results one after the other, then good ones."""

    results: list[Result | InfrastructureError] = field(default_factory=list)
    name: str = "aiperf 0.13.0"
    runs: list[tuple[str, str]] = field(default_factory=list)

    def profile(self, planned: PlannedLoad, *, url: str, limits: Limits, folder: Path) -> Result:
        assert url.startswith("http://")
        assert limits.ttft == ASKED.limits.ttft
        assert planned.requests[0].model == "default"
        self.runs.append((planned.name, folder.name))
        result = self.results.pop(0) if self.results else GOOD
        if isinstance(result, InfrastructureError):
            raise result
        return result


def measure(
    program: Fake, *, folder: Path, load: Load = SWEEP, starts: int = 1, machine: Machine | None = None
) -> dict[str, Measurement]:
    @contextmanager
    def start(_: Load) -> Iterator[MeasuredServer]:
        with mock_server({"default": Script()}, folder=folder) as mock:
            yield MeasuredServer(url=mock.url, healthy=0.5, load=machine or Machine(), peak_memory=lambda: 1)

    profiled = Profiled(
        start=start,
        load=load,
        asked=ASKED,
        settings={"kind": load.kind},
        chance=random.Random(1),
        program=program,
        folder=folder / "aiperf" / "cell",
    )
    (found,) = take([[profiled]], turns=Turns(wanted=starts, most=starts))
    return {f"{one.workload} {one.metric}": one for one in found}


def test_each_run_of_the_program_is_a_repetition_and_the_first_warms_up(tmp_path: Path) -> None:
    program = Fake()
    found = measure(program, folder=tmp_path, starts=2)
    assert set(found) == {f"sweep-{users}u {metric}" for users in (1, 2) for metric in ("system_rate", "ttft")}
    rate = found["sweep-2u system_rate"]
    assert [(sample.start, sample.repetition) for sample in rate.samples] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert (rate.client, rate.unit, rate.counted) == ("aiperf 0.13.0", "tokens/s", [100.0] * 4)
    assert found["sweep-1u ttft"].unit == "seconds"
    assert rate.settings["limits"] == {"ttft": None, "tpot": None, "latency": None}
    assert rate.samples[2].raw["files"] == "aiperf/cell/sweep-2u-1-0"
    assert found["sweep-2u ttft"].samples[0].raw == {}
    assert program.runs[:3] == [
        ("sweep-1u", "sweep-1u-0-warm-up"),
        ("sweep-2u", "sweep-2u-0-warm-up"),
        ("sweep-1u", "sweep-1u-0-0"),
    ]
    assert len(program.runs) == 2 * 2 * (1 + 2)


def test_failed_requests_and_a_program_that_fails_make_a_repetition_void(tmp_path: Path) -> None:
    killed = InfrastructureError("aiperf was ended by signal 9: it said nothing")
    program = Fake(results=[GOOD, Result(reason="1 of 1 requests failed", answered=0), killed])
    load = SWEEP.model_copy(update={"users": (1,)})
    found = measure(program, folder=tmp_path, load=load)
    assert set(found) == {"sweep-1u system_rate"}
    assert [(sample.verdict, sample.reason) for sample in found["sweep-1u system_rate"].samples] == [
        (Verdict.VOID, "1 of 1 requests failed"),
        (Verdict.VOID, "aiperf was ended by signal 9: it said nothing"),
    ]
    assert void_reasons(list(found.values()))


def test_others_on_the_machine_make_a_repetition_noisy(tmp_path: Path) -> None:
    load = SWEEP.model_copy(update={"users": (1,)})
    found = measure(Fake(), folder=tmp_path, load=load, machine=Machine(0.0, 0.5, 0.0))
    first, second = found["sweep-1u ttft"].samples
    assert (first.verdict, second.verdict) == (Verdict.PASSED, Verdict.PASSED)
    assert (first.disturbed, second.disturbed) == (Disturbance.OTHER_WORK, None)
    assert first.reason.startswith("other processes used 50% of this machine's CPU")


def test_a_rate_that_the_program_does_not_say_is_void(tmp_path: Path) -> None:
    only_ttft = Result(values={"ttft": Value(value=0.02, unit="seconds")}, answered=1)
    load = SWEEP.model_copy(update={"users": (1,)})
    found = measure(Fake(results=[only_ttft] * 3), folder=tmp_path, load=load)
    assert found["sweep-1u system_rate"].samples[0].reason == "aiperf 0.13.0 does not say it"
    assert found["sweep-1u ttft"].counted == [0.02, 0.02]


def test_a_program_that_fails_in_the_warm_up_ends_it_and_is_no_fault_of_the_image(tmp_path: Path) -> None:
    program = Fake(results=[InfrastructureError("aiperf ended with status 1: no tokenizer")])
    with pytest.raises(InfrastructureError, match="no tokenizer"):
        measure(program, folder=tmp_path)
    assert len(program.runs) == 1


def test_a_server_that_answers_nothing_is_the_images_fault(tmp_path: Path) -> None:
    with pytest.raises(ProbeFailed, match="sweep-1u: not one request was answered: 1 of 1 requests failed"):
        measure(Fake(results=[Result(reason="1 of 1 requests failed")]), folder=tmp_path)


def test_without_workloads_the_loads_are_as_near_to_pp_and_tg_as_text_comes() -> None:
    long, chat = loads_of(ASKED)
    assert isinstance(long, LongContext)
    assert isinstance(chat, Chat)
    assert (long.prompt_words, long.output_tokens) == (394, 2)
    assert (chat.users, chat.output_tokens, chat.spread) == (1, 128, 0.0)
    assert loads_of(ASKED.model_copy(update={"loads": [SWEEP]})) == [SWEEP]
