from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.measure.loadgen.workloads import TokenWorkload
from bakehouse.model.report import Measurement, Sample
from bakehouse.model.suite import Workload
from bakehouse.probes.lengths import LEAST, Lengths, lengthened

ASKED = Workload(
    model_path="/m.gguf", model_sha256="0" * 64, prompt_tokens=512, output_tokens=128, starts=3, repetitions=3
)


def at(rate: float, *, beside: float = 0.0, tried: list[str] | None = None) -> Callable[[TokenWorkload], float]:
    """Seconds of a server that does so many tokens a second, and needs some time beside them."""

    def ask(shape: TokenWorkload) -> float:
        if tried is not None:
            tried.append(shape.name)
        return max(shape.prompt_tokens, shape.output_tokens) / rate + beside

    return ask


def chosen(prompts: float, answers: float, *, context: int = 16640) -> Lengths:
    lengths = Lengths(asked=ASKED, context=context)
    for one, rate in zip(lengths.wanted, (prompts, answers), strict=True):
        lengths.choose(one, at(rate))
    return lengths


def test_a_slow_machine_is_asked_what_it_was_asked_before() -> None:
    tried: list[str] = []
    lengths = Lengths(asked=ASKED, context=16640)
    for one in lengths.wanted:
        lengths.choose(one, at(221.0, tried=tried))
    assert tried == ["pp512", "tg128"]
    assert [one.name for one in lengths.all] == ["pp512", "tg128"]
    assert not any(lengths.is_short(one.name) for one in lengths.all)


@pytest.mark.parametrize(
    ("prompts", "answers", "context", "names"),
    [
        (10_100.0, 307.0, 16640, ["pp512", "pp4096", "tg128"]),  # the 8B shape on an H200
        (55_000.0, 800.0, 4352, ["pp512", "pp4096", "tg128", "tg256"]),  # a small model, made for 8192 tokens
        (55_000.0, 800.0, 768, ["pp512", "tg128", "tg256"]),
        (2_600.0, 600.0, 16640, ["pp512", "pp1024", "tg128"]),
    ],
)
def test_a_fast_one_gets_longer_prompts(prompts: float, answers: float, context: int, names: list[str]) -> None:
    lengths = chosen(prompts, answers, context=context)
    assert [one.name for one in lengths.all] == names
    assert lengths.is_short("pp512") == ("pp512" in names and len([name for name in names if name[:2] == "pp"]) > 1)


def test_a_first_try_that_was_slow_is_followed_by_another() -> None:
    """190 of its 195 ms came beside the tokens."""
    lengths = Lengths(asked=ASKED, context=16640)
    seen = {512: 0.195, 1024: 0.02}
    lengths.choose(lengths.wanted[0], lambda shape: seen.get(shape.prompt_tokens, 0.25))
    assert lengths.all[1].prompt_tokens > 1024


def test_nothing_is_lengthened_where_nobody_knows_how_long_one_takes() -> None:
    lengths = Lengths(asked=ASKED, context=16640)
    lengths.choose(lengths.wanted[0], lambda _: None)
    assert [one.name for one in lengths.all] == ["pp512", "tg128"]


def test_a_run_that_goes_on_keeps_its_lengths() -> None:
    lengths = Lengths(asked=ASKED, context=16640)
    lengths.recall(["start", "pp512", "pp4096", "pp", "chat-2u"])
    assert [one.name for one in lengths.all] == ["pp512", "pp4096", "tg128"]
    assert "tg128" not in lengths.longer, "its answers were not measured yet"


def test_each_measurement_has_its_own_length_among_its_settings() -> None:
    lengths = chosen(10_100.0, 307.0)
    settings = {"prompt_tokens": 512, "output_tokens": 128, "device": "x"}
    taken = [Sample(start=0, repetition=0, value=1.0)]

    def described(workload: str) -> Measurement:
        measured = Measurement(
            workload=workload, metric="prompt_rate", unit="tokens/s", samples=taken, settings=settings
        )
        return lengths.described(measured)

    assert described("pp4096").settings == settings | {"prompt_tokens": 4096}
    assert not described("pp4096").short
    assert described("pp512").settings == settings
    assert described("pp512").short
    assert not described("tg128").short
    assert described("start").settings == settings


@given(
    tokens=st.integers(1, 1 << 20),
    lasted=st.floats(0, LEAST, exclude_max=True),
    most=st.integers(1, 1 << 20),
)
def test_a_length_fits_into_the_context_and_is_a_power_of_two(tokens: int, lasted: float, most: int) -> None:
    found = lengthened(tokens, lasted, most=most)
    assert found == tokens or (found.bit_count() == 1 and tokens < found <= most)


@given(rate=st.floats(1, 1e7), beside=st.floats(0, 0.1), context=st.sampled_from([768, 4352, 16640]))
def test_a_sample_lasts_long_enough_or_fills_the_context(rate: float, beside: float, context: int) -> None:
    lengths = Lengths(asked=ASKED, context=context)
    (prompts, _) = lengths.wanted
    ask = at(rate, beside=beside)
    lengths.choose(prompts, ask)
    found = lengths.longer[prompts.name]
    assert ask(found) >= LEAST or 2 * found.prompt_tokens >= context
