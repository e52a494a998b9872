from __future__ import annotations

from collections.abc import Sequence

from bakehouse.history.paired import pairs
from bakehouse.model.enums import Verdict
from bakehouse.model.report import Measurement, Metric, Sample

SETTINGS = {"device": "cpu"}


def measured(
    metric: Metric, values: Sequence[float], *, verdict: Verdict = Verdict.PASSED, threads: int = 2
) -> Measurement:
    samples = [
        Sample(start=start, repetition=0, value=value, verdict=verdict, reason="why")
        for start, value in enumerate(values)
    ]
    settings = SETTINGS | {"arguments": {"--threads": str(threads)}}
    return Measurement(workload="tg128", metric=metric, unit="tokens/s", samples=samples, settings=settings)


def test_each_metric_is_paired_with_its_own_by_start() -> None:
    (pair,) = pairs("a", [measured("decode_rate", [1.0, 2.0])], [measured("decode_rate", [3.0])])
    assert (pair.candidate.starts, pair.baseline.starts, pair.missing) == (((1.0,), (2.0,)), ((3.0,),), "")


def test_what_follows_from_others_or_was_never_measurable_gets_no_verdict() -> None:
    told: list[Metric] = ["tpot", "request_rate", "goodput", "client_decode_rate"]
    skipped = measured("energy_per_token", [0.0], verdict=Verdict.SKIPPED)
    assert pairs("a", [*(measured(metric, [1.0]) for metric in told), skipped], []) == []


def test_what_is_short_gets_no_verdict() -> None:
    ours, theirs = measured("decode_rate", [1.0]), measured("decode_rate", [2.0])
    assert len(pairs("a", [ours], [theirs])) == 1
    assert pairs("a", [ours.model_copy(update={"short": True})], [theirs]) == []


def of_length(tokens: int, values: Sequence[float], *, short: bool = False) -> Measurement:
    changes = {"workload": f"tg{tokens}", "short": short, "settings": SETTINGS | {"output_tokens": tokens}}
    return measured("decode_rate", values).model_copy(update=changes)


def test_a_slower_image_which_gets_shorter_answers_is_judged_by_those_that_both_have() -> None:
    fast = [of_length(8, [90.0], short=True), of_length(128, [100.0])]
    slow = [of_length(8, [19.0], short=True), of_length(64, [20.0])]
    for ours, theirs in ((slow, fast), (fast, slow)):
        missing, found = pairs("a", ours, theirs)
        assert missing.missing == f"the baseline has no {ours[1].workload} decode_rate"
        assert (found.workload, found.missing) == ("tg8", "")
        assert found.baseline.starts == ((theirs[0].samples[0].value,),)


def test_an_answer_that_lasts_long_enough_is_judged_beside_one_that_does_not() -> None:
    slow, fast = of_length(128, [10.0]), of_length(128, [90.0], short=True)
    (found,) = pairs("a", [slow], [fast, of_length(1024, [100.0])])
    assert found.baseline.starts == ((90.0,),)
    missing, found = pairs("a", [fast, of_length(1024, [100.0])], [slow])
    assert (missing.workload, found.workload, found.missing) == ("tg1024", "tg128", "")


def test_what_was_never_measured_has_no_pair_by_its_short_one() -> None:
    (found,) = pairs("a", [of_length(8, [19.0], short=True), of_length(64, [20.0])], [])
    assert found.missing


def test_void_samples_are_counted_with_their_reason() -> None:
    void = measured("decode_rate", [1.0, 2.0], verdict=Verdict.VOID)
    (pair,) = pairs("a", [void], [void])
    assert (pair.candidate.void, pair.candidate.reason, pair.candidate.starts) == (2, "why", ())


def test_what_the_baseline_lacks_or_measured_otherwise_is_said() -> None:
    ours = measured("decode_rate", [1.0])
    (missing,) = pairs("a", [ours], [])
    assert missing.missing == "the baseline has no tg128 decode_rate"
    (other,) = pairs("a", [ours], [measured("decode_rate", [1.0], threads=4)])
    assert "--threads 2 and 4" in other.missing
    assert other.baseline.starts == ()
