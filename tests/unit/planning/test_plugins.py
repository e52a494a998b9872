from __future__ import annotations

import pytest

from bakehouse.errors import InputErrors
from bakehouse.model.cell import World
from bakehouse.planning.plugins import plugin_targets, variant_targets
from bakehouse.planning.resolve import resolve
from tests.unit.planning.test_rules import changed

VARIANTS = [{"platform": "linux/amd64", "variants": ["x64", "haswell"]}]


def world(server: str) -> World:
    return changed(recipe={"server": server, "build": {"cpu_variants": VARIANTS}})


def test_targets_are_called_as_the_family_says() -> None:
    cells = [cell for cell in resolve(world("llama.cpp")).cells if cell.at.accelerator == "cuda"]
    assert variant_targets(cells[0]) == ("ggml-cpu-x64", "ggml-cpu-haswell")
    assert plugin_targets(cells[0])[:3] == ("ggml-cpu-x64", "ggml-cpu-haswell", "ggml-cuda")


def test_variants_of_a_family_whose_plugins_are_not_known_are_refused() -> None:
    with pytest.raises(InputErrors) as caught:
        resolve(world("openai"))
    (error,) = caught.value.errors
    where, said = str(error).split(": nothing ")
    assert where == "recipes/server/recipe.yaml: build.cpu_variants"
    assert said == "is known of the plugins of a server of the family openai\n  server: llama.cpp, or leave them out."
