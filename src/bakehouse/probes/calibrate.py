"""The figures of a family's benchmark program beside ours, from the same image, model, threads and devices.

The reference, as it is called here (servers/reference.py), runs once for each start of the server, before it or after
it in turn, so that a machine that gets slower meanwhile is no disagreement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bakehouse.measure.calibration import CLIENT_GATE, DECODE_GATE, PROMPT_GATE, Agreement, ClockPair, agreement
from bakehouse.measure.cpu_usage import Usage
from bakehouse.measure.loadgen.workloads import TokenWorkload
from bakehouse.measure.request_cost import MOST, RequestCost, request_cost
from bakehouse.model import suite
from bakehouse.model.enums import Verdict
from bakehouse.model.report import REFERENCE_DECODE_RATE, REFERENCE_PROMPT_RATE, Measurement, Metric, Sample
from bakehouse.probes.agreements import read, recorded, recorded_costs
from bakehouse.probes.disturbance import disturbed, raw_usage
from bakehouse.probes.series import troubled, void_if
from bakehouse.servers.reference import ReferenceTool, Timed
from bakehouse.stats.direction import is_of_image
from bakehouse.stats.grading import Doubt, graded

LARGEST = 0.05
"""Seconds beside the computing of a request that no server explains: the rest is a difference."""
_DOUBTED: tuple[Metric, ...] = ("prompt_rate", "decode_rate")


@dataclass(frozen=True, kw_only=True, slots=True)
class Benched:
    """One run of the reference."""

    tool: ReferenceTool
    output: str
    """All that it printed, also what is no JSON."""
    exit_code: int
    usage: Usage | None = None
    """None: nobody could see what it used."""


Reference = Callable[[int, Sequence[TokenWorkload]], Benched]
"""Runs the reference once, with so many repetitions of each workload, in a container of its own."""


def samples(benched: Benched, asked: suite.Workload | TokenWorkload, *, start: int) -> dict[Metric, list[Sample]]:
    """Rates by metric, a sample for each repetition; one void sample where there are none, with the reason.

    What else happened on the machine is known of the run as a whole only, so a disturbance is said of all of it.
    """
    trouble = disturbed(benched.usage) if benched.usage else None
    wanted: dict[Metric, tuple[int, int]] = {
        REFERENCE_PROMPT_RATE: (asked.prompt_tokens, 0),
        REFERENCE_DECODE_RATE: (0, asked.output_tokens),
    }
    timed = benched.tool.timed(benched.output)
    found: dict[Metric, list[Sample]] = {}
    for metric, (prompt, output) in wanted.items():
        one = next((one for one in timed if (one.prompt_tokens, one.output_tokens) == (prompt, output)), None)
        if one is None or not one.rates:
            reason = _missing(benched)
            found[metric] = [Sample(start=start, repetition=0, value=0.0, verdict=Verdict.VOID, reason=reason)]
            continue
        found[metric] = [
            troubled(
                trouble,
                Sample(
                    start=start,
                    repetition=number,
                    value=rate,
                    raw=_raw(benched, one) if number == 0 else {},
                ),
            )
            for number, rate in enumerate(one.rates)
        ]
    return found


def calibrated(
    measurements: Sequence[Measurement], asked: suite.Workload, *, settings: dict[str, Any], host_work: float = 0.0
) -> list[Measurement]:
    """The same with what the three agree on; void where one of them is wrong, noisy where all scatter too much.

    What is short is recorded and judges nothing: the longer workload in its stead does.
    """
    found = agreements(measurements, asked, host_work=host_work)
    gates = [one for one in without_short(found, measurements) if not is_finding(one, measurements)]
    costs = recorded_costs(request_costs(measurements), settings)
    return [*judged(measurements, gates), *recorded(found, settings), *costs]


def without_short(found: Sequence[Agreement], measurements: Sequence[Measurement]) -> list[Agreement]:
    """Those of workloads that last long enough, or have no longer one in their stead."""
    short = {one.workload for one in measurements if one.short}
    return [one for one in found if one.workload not in short]


def is_finding(one: Agreement, measurements: Sequence[Measurement]) -> bool:
    """Whether a server falls short of the reference, and the client saw it, too: then the figure is what users get."""
    if not one.falls_short:
        return False
    by = {each.metric: _by_start(each) for each in measurements if each.workload == one.workload}
    gates: tuple[tuple[Metric, Metric, float], ...] = (
        ("client_prompt_rate", "prompt_rate", PROMPT_GATE),
        ("client_decode_rate", "decode_rate", CLIENT_GATE),
    )
    held = [
        agreement(one.workload, ClockPair.CLIENT_SERVER, by[client], by[server], gate=gate)
        for client, server, gate in gates
        if client in by and server in by
    ]
    return any(each.sides for each in held) and not any(each.disagrees for each in held)


def agreements(
    measurements: Sequence[Measurement], asked: suite.Workload, *, host_work: float = 0.0
) -> list[Agreement]:
    """Hold the three side by side: rates that are void stand aside, and disturbed ones where there are others.

    `host_work`: seconds of its own that the server may add to each token of tg. What a prompt costs beside its tokens
    is estimated, and gates are on what is left.
    """
    by = {(one.workload, one.metric): one for one in measurements}

    def held(workload: str, pair: ClockPair, *metrics: Metric, gate: float, allowed: float = 0.0) -> Agreement:
        both = [found for metric in metrics if (found := by.get((workload, metric)))]
        if len(both) < len(metrics):
            return agreement(workload, pair, {}, {}, gate=gate, allowed=allowed)
        quiet = [_by_start(one, quiet=True) for one in both]
        is_disturbed = not quiet[0].keys() & quiet[1].keys()
        first, second = [_by_start(one) for one in both] if is_disturbed else quiet
        return agreement(workload, pair, first, second, gate=gate, allowed=allowed, is_disturbed=is_disturbed)

    client, server = ClockPair.CLIENT_SERVER, ClockPair.SERVER_REFERENCE
    answers = []
    for tg in _answers(measurements, asked):
        answers += [
            held(tg, client, "client_decode_rate", "decode_rate", gate=CLIENT_GATE),
            held(tg, server, "unstreamed_decode_rate", REFERENCE_DECODE_RATE, gate=DECODE_GATE, allowed=host_work),
        ]
    beside = _beside(measurements)
    prompts = [
        held(name, server, "prompt_rate", REFERENCE_PROMPT_RATE, gate=PROMPT_GATE, allowed=beside / tokens)
        for name, tokens in _prompts(measurements, asked).items()
    ]
    return [*answers, *prompts]


def _answers(measurements: Sequence[Measurement], asked: suite.Workload) -> list[str]:
    """Workloads of answers; that which is asked for first."""
    found = {f"tg{asked.output_tokens}": None}
    for one in measurements:
        if one.metric == "decode_rate" and one.workload == f"tg{one.settings.get('output_tokens')}":
            found[one.workload] = None
    return list(found)


def _prompts(measurements: Sequence[Measurement], asked: suite.Workload) -> dict[str, int]:
    """Workloads of prompts to their tokens; that which is asked for first."""
    found = {f"pp{asked.prompt_tokens}": asked.prompt_tokens}
    return found | {
        one.workload: tokens for one in measurements if one.metric == "prompt_rate" and (tokens := _tokens(one))
    }


def _tokens(measurement: Measurement) -> int:
    """Of a prompt; 0 where nobody knows."""
    tokens = measurement.settings.get("prompt_tokens")
    return tokens if isinstance(tokens, int) and measurement.workload == f"pp{tokens}" else 0


def _beside(measurements: Sequence[Measurement]) -> float:
    """Seconds that a request may cost beside the computing: what several lengths show, or the most that was seen."""
    costs = [one for one in request_costs(measurements).values() if one.lengths > 1]
    if not costs:
        return MOST
    return min(LARGEST, max(0.0, median([one.constant for one in costs])))


def request_costs(measurements: Sequence[Measurement]) -> dict[int, RequestCost]:
    """By container start, from the server's prompts and the reference's."""
    times: dict[Metric, dict[int, dict[int, float]]] = {"prompt_rate": {}, REFERENCE_PROMPT_RATE: {}}
    for one in measurements:
        if one.metric in times and (tokens := _tokens(one)):
            for start, rates in _by_start(one).items():
                times[one.metric].setdefault(start, {})[tokens] = tokens / median(rates)
    server, bench = times.values()
    found = {start: request_cost(server[start], bench[start]) for start in sorted(server.keys() & bench.keys())}
    return {start: cost for start, cost in found.items() if cost is not None}


def summary(measurements: Sequence[Measurement]) -> str:
    """Say in one line how far the three agree, from what `recorded` kept, and what a request costs beside."""
    words = [one.finding() if is_finding(one, measurements) else one.describe() for one in read(measurements)]
    costs = [one.counted for one in measurements if one.metric == "request_overhead" and one.counted]
    return "; ".join([*words, *(f"{median(one) * 1e3:.2g} ms a request beside the computing" for one in costs)])


def doubted(measurements: Sequence[Measurement]) -> list[Measurement]:
    """All of a cell's: where the server contradicts the client, loads are void as well, which the client alone saw."""
    contradicted = [one for one in read(measurements) if one.contradicts and one.pair is ClockPair.CLIENT_SERVER]
    if not contradicted:
        return list(measurements)
    return [graded(_void(one, contradicted[0].reason())) if "kind" in one.settings else one for one in measurements]


def judged(measurements: Sequence[Measurement], found: Sequence[Agreement]) -> list[Measurement]:
    """Void what one of the three contradicts: all figures of that workload, the values kept. Widen what only scatters.

    What is short is void where the workload in its stead is. Where the client is contradicted, also the time to the
    first token, which nothing else has seen.
    """
    reasons: dict[str, str] = {}
    kinds: dict[str, str] = {}
    doubts: dict[str, Doubt] = {}
    for one in found:
        if one.contradicts:
            reasons.setdefault(one.workload, one.reason())
            kinds.setdefault(one.workload[:2], one.reason())
            if one.pair is ClockPair.CLIENT_SERVER:
                reasons.setdefault("ttft", one.reason())
        elif one.is_scattered and one.ranges:
            low, high = one.range_of(1 if one.pair is ClockPair.SERVER_REFERENCE else 0)
            doubts.setdefault(one.workload, Doubt(low=low, high=high, reason=one.reason()))
    return [
        _judged(
            one,
            reasons.get(one.workload) or reasons.get(one.metric, "") or (kinds.get(one.workload[:2], "") * one.short),
            doubts.get(one.workload) if one.metric in _DOUBTED else None,
        )
        for one in measurements
    ]


def _judged(measurement: Measurement, reason: str, doubt: Doubt | None) -> Measurement:
    if reason:
        return graded(_void(measurement, reason))
    return graded(measurement, doubt=doubt) if doubt else measurement


def _raw(benched: Benched, one: Timed) -> dict[str, Any]:
    key = benched.tool.program.replace("-", "_")
    return {key: one.about} | (raw_usage(benched.usage) if benched.usage else {})


def _void(measurement: Measurement, reason: str) -> Measurement:
    if not is_of_image(measurement.metric):  # it is what was said, and nothing is compared with it
        return measurement
    return measurement.model_copy(update={"samples": [void_if(reason, sample) for sample in measurement.samples]})


def _by_start(measurement: Measurement, *, quiet: bool = False) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for sample in measurement.samples:
        if sample.verdict is Verdict.PASSED and not (quiet and sample.disturbed):
            found.setdefault(sample.start, []).append(sample.value)
    return found


def _missing(benched: Benched) -> str:
    said = [line.strip() for line in benched.output.splitlines() if line.strip() and not line.startswith("{")]
    last = f": {said[-1][:200]}" if said else ""
    if benched.exit_code == -1:
        return f"{benched.tool.program} was not finished in time{last}"
    return f"{benched.tool.program} gave no figures and ended with {benched.exit_code}{last}"
