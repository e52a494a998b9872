from __future__ import annotations

import pytest

from bakehouse.model.limit import Limit
from bakehouse.model.report import Measurement, Sample
from bakehouse.reporters import limits
from tests.unit.reporters.sample import MODEL, passed_cell

MEMORY = Limit(by="memory", rate=1143.0, ceiling=4.8e12, work=4.2e9, source="data sheet of h200")


def measured(*values: float, device: str = "NVIDIA H200", found: list[Limit] | None = None) -> Measurement:
    return Measurement(
        workload="tg128",
        metric="decode_rate",
        unit="tokens/s",
        samples=[Sample(start=0, repetition=number, value=value) for number, value in enumerate(values)],
        settings={"device": device},
        limits=[MEMORY] if found is None else found,
    )


def test_the_share_of_what_a_card_allows() -> None:
    assert limits.words(measured(300.0, 307.0, 310.0)) == "27 % of what this card's memory allows"
    assert limits.words(measured(307.0, device="cpu")) == "27 % of what this processor's memory allows"
    compute = MEMORY.model_copy(update={"by": "compute"})
    of_card = measured(1.0, found=[compute, MEMORY])
    assert limits.words(of_card) == "0.087 % of what this card's 16-bit arithmetic allows"


def test_how_it_was_reckoned() -> None:
    assert list(limits.details(measured(307.0))) == [
        "memory: 1,140 t/s (4.20 GB for each token at 4.80 TB/s, data sheet of h200)"
    ]


def test_beyond_the_limit_the_ceiling_is_doubted() -> None:
    assert limits.words(measured(1300.0)) == "114 % of what this card's memory allows"
    assert "caches hold part of the model" in list(limits.details(measured(1300.0)))[-1]


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert limits.words(measured(307.0, found=[])) == ""
    assert limits.words(measured()) == ""
    assert limits.share(measured()) is None


def test_a_line_for_each_rate() -> None:
    first, second = limits.lines(passed_cell("a", flag_set="default", seed=1, decode=100.0))
    assert first.startswith("pp512 ")
    assert first.endswith("of what this processor's 32-bit arithmetic allows")
    assert second.endswith("of what this processor's memory allows")


def test_what_binds_several_rates_is_said_once() -> None:
    cell = passed_cell("a", flag_set="default", seed=1, decode=100.0)
    both = [measured(300.0), measured(150.0).model_copy(update={"workload": "tg256"})]
    assert list(limits.lines(cell.model_copy(update={"measurements": both}))) == [
        "tg128 300 t/s: 26 %, tg256 150 t/s: 13 % of what this card's memory allows"
    ]


def test_what_the_model_takes() -> None:
    assert limits.model_words(MODEL) == (
        "smollm2-135m-q4 (llama, 135 million parameters), reads 96.6 MB a token, and 11.8 MB of 512 tokens before it, "
        "and 94.4 MB of 4,096 tokens before it, 212 MFLOP a prompt token"
    )
    experts = MODEL.model_copy(
        update={"parameters": 30_079_125_504, "active_parameters": 2_588_672_000, "state_bytes": 5}
    )
    assert "30.1 billion parameters), 2.59 billion of them for each token" in limits.model_words(experts)
    assert "5 B of state" in limits.model_words(experts).replace("5.00 B", "5 B")


@pytest.mark.parametrize(("share", "said"), [(0.0042, "0.42 %"), (0.263, "26 %"), (0.996, "100 %"), (1.2, "120 %")])
def test_percent(share: float, said: str) -> None:
    assert limits.percent(share) == said
