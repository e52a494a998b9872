from __future__ import annotations

import pytest

from bakehouse.prove.instruction_sets import FEATURES
from bakehouse.servers.llama_cpp.plugins import PLUGINS


@pytest.mark.parametrize(
    ("file", "variant"),
    [
        ("libggml-cpu-haswell.so", "haswell"),
        ("libggml-cpu-armv8.2_2.so", "armv8.2_2"),
        ("libggml-cuda.so", None),
        ("libggml-cpu-haswell.so.0", None),
        ("libggml-cpu-.so", None),
    ],
)
def test_the_variant_of_a_file(file: str, variant: str | None) -> None:
    assert PLUGINS.variant_of(file) == variant


def test_a_variants_target_makes_its_file() -> None:
    target = PLUGINS.target("haswell")
    assert target == "ggml-cpu-haswell"
    assert PLUGINS.variant_of(PLUGINS.file(target)) == "haswell"


def test_levels_are_made_of_instruction_sets_that_are_known() -> None:
    assert {word for words in PLUGINS.levels.values() for word in words.split()} <= FEATURES.keys()
