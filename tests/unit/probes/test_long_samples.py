"""Prompts and answers that become longer on a server that is fast by its own timings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import pytest

from bakehouse.measure.loadgen.workloads import TokenWorkload
from bakehouse.model.enums import Grade, Verdict
from bakehouse.model.report import Measurement
from bakehouse.model.suite import Workload
from bakehouse.probes.calibrate import Benched
from bakehouse.probes.lengths import Lengths
from bakehouse.probes.series import void_reasons
from bakehouse.servers.llama_cpp import bench_tool
from tests.doubles.fake_server import Behaviour, Timings
from tests.unit.probes.test_throughput import rates, served

ASKED = Workload(model_path="/m", model_sha256="0" * 64, prompt_tokens=512, output_tokens=8, starts=3, repetitions=2)
BESIDE = 0.002
"""Seconds that the server needs for a request beside its tokens."""


def quick(*, prompts: float, answers: float) -> Behaviour:
    """A server that says that it does so many tokens a second."""

    def timings(said: Timings) -> Timings:
        return said | {
            "prompt_ms": (said["prompt_n"] / prompts + BESIDE) * 1e3,
            "predicted_ms": (said["predicted_n"] - 1) / answers * 1e3,
        }

    return Behaviour(timings=timings)


class LlamaBench:
    """Measures what it is asked for, and is so many times as fast."""

    def __init__(self, *, prompts: float, answers: float) -> None:
        self.asked: list[list[str]] = []
        self._prompts, self._answers = prompts, answers

    def __call__(self, repetitions: int, shapes: Sequence[TokenWorkload]) -> Benched:
        self.asked.append([one.name for one in shapes])
        rows = [
            {"n_prompt": one.prompt_tokens, "n_gen": 0, "samples_ns": [one.prompt_tokens * 1e9 / self._prompts]}
            if one.output_tokens == 1
            else {"n_prompt": 0, "n_gen": one.output_tokens, "samples_ns": [one.output_tokens * 1e9 / self._answers]}
            for one in shapes
        ]
        for row in rows:
            row["samples_ns"] *= repetitions  # type: ignore[operator]  # a list
        return Benched(tool=bench_tool, output="\n".join(map(json.dumps, rows)), exit_code=0)


def measured(
    behaviour: Behaviour, *, bench: LlamaBench | None = None, context: int = 4352, warm_ups: int = 1
) -> dict[str, Measurement]:
    lengths = Lengths(asked=ASKED, context=context)
    settings = {"prompt_tokens": 512, "output_tokens": 8}
    found = rates(
        served(behaviour), ASKED, lengths=lengths, warm_ups=warm_ups, reference=bench, settings=settings, host_work=1.0
    )
    return {f"{one.workload} {one.metric}": one for one in found}


def asked_for(behaviour: Behaviour) -> Counter[tuple[int, int]]:
    """Requests by tokens of prompt and answer."""
    return Counter((len(body["prompt"]), body["n_predict"]) for body in behaviour.requests)


def test_on_a_slow_server_nothing_is_asked_twice() -> None:
    behaviour = quick(prompts=2000.0, answers=20.0)
    found = measured(behaviour)
    assert asked_for(behaviour) == {(512, 1): 3 * 3, (1, 8): 3 * 3}
    assert {name.split()[0] for name in found} == {"start", "pp512", "tg8"}
    assert not any(one.short for one in found.values())


def test_on_a_fast_one_a_longer_prompt_is_measured_beside() -> None:
    behaviour = quick(prompts=10_000.0, answers=20.0)
    found = measured(behaviour)
    assert found["pp4096 prompt_rate"].counted == pytest.approx([4096 / (0.4096 + BESIDE)] * 6)
    assert found["pp4096 prompt_rate"].settings == {"prompt_tokens": 4096, "output_tokens": 8}
    assert len(found["pp512 prompt_rate"].counted) == 6
    assert {name for name, one in found.items() if one.short} == {"pp512 prompt_rate", "pp512 ttft"}
    assert asked_for(behaviour)[4096, 1] == 3 * 3, "each start warms it up once"


def test_on_a_card_each_length_warms_up_twice() -> None:
    behaviour = quick(prompts=10_000.0, answers=20.0)
    measured(behaviour, warm_ups=2)
    assert asked_for(behaviour) == {(512, 1): 3 * 4, (4096, 1): 3 * 4, (1, 8): 3 * 4}


def test_llama_bench_measures_all_lengths_and_the_long_one_is_the_gate() -> None:
    """Of pp512 the server is 14 % slower, 2 ms beside 13, and a gate allows 5 %. Of pp4096 it is 2 %."""
    bench = LlamaBench(prompts=40_000.0, answers=20.0)
    found = measured(quick(prompts=40_000.0, answers=20.0), bench=bench)
    assert bench.asked[1:] == [["pp512", "pp4096", "tg8"]] * (len(bench.asked) - 1)
    assert found["pp4096 prompt_rate"].grade is Grade.EXACT
    assert found["pp512 llama_bench_prompt_rate"].counted
    assert found["pp512 server_to_llama_bench"].short
    assert found["pp request_overhead"].counted == pytest.approx([BESIDE] * 3, rel=0.01)
    assert not any(reason.startswith(("pp4096 prompt", "pp512")) for reason in void_reasons(list(found.values())))


def test_where_the_long_one_is_wrong_the_short_one_is_no_better() -> None:
    bench = LlamaBench(prompts=20_000.0, answers=20.0)
    found = measured(quick(prompts=10_000.0, answers=20.0), bench=bench)
    for name in ("pp4096 prompt_rate", "pp512 prompt_rate"):
        assert {one.verdict for one in found[name].samples} == {Verdict.VOID}
        assert found[name].samples[0].reason.startswith("pp4096: by the server's timings it is 50 % lower")
    reasons = void_reasons(list(found.values()))
    assert any(reason.startswith("pp4096 prompt_rate") for reason in reasons)
    assert not any(reason.startswith("pp512") for reason in reasons), "it is asked of the long one"


def test_answers_become_longer_as_well() -> None:
    behaviour = quick(prompts=2000.0, answers=100.0)
    found = measured(behaviour)
    assert found["tg32 decode_rate"].counted == pytest.approx([100.0] * 6)
    assert found["tg8 decode_rate"].short
    found = measured(behaviour, bench=LlamaBench(prompts=2000.0, answers=100.0))
    assert found["tg32 unstreamed_decode_rate"].counted == pytest.approx([100.0] * 6)
    assert found["tg32 server_to_llama_bench"].counted
