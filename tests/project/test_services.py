"""What the recipes of services have in common, held against their files: a new one forgets none of it."""

from __future__ import annotations

import json

import pytest

from bakehouse.config.load import load_project
from bakehouse.model.build import WheelsBuild
from bakehouse.model.cases import Case, HttpRequest
from bakehouse.model.recipe import Recipe
from tests.unit.projects import ROOT

RECIPES = load_project(ROOT).world.recipes
WHEELS = {name: recipe.build for name, recipe in RECIPES.items() if isinstance(recipe.build, WheelsBuild)}
SERVICES = [name for name, build in WHEELS.items() if "_service" in build.shares and name != "triton"]
"""Triton takes of it how pictures are decoded, and nothing else."""
OF_PICTURES = ["clip", "detector", "enrichment", "florence"]
OF_TEXTS = ["clip", "embedder", "florence", "openvino", "triton", "vllm", "vllm-gb10", "vllm-published"]
PICTURES = ["16-bit.png", "animated.gif", "bomb.png", "cmyk.jpg", "truncated.jpg", "turned.jpg"]
"""16 bits, moving, 50,000 x 50,000, four colours of print, cut off, lying on its side by EXIF."""
OPENVINO = {"cpu": "CPU", "xpu": "GPU"}


def cases(name: str) -> list[Case]:
    return list(RECIPES[name].probes.cases)


def requests(name: str) -> list[HttpRequest]:
    return [case.http for case in cases(name) if case.http]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_told_the_accelerator_of_its_image_and_asked_for_it(name: str) -> None:
    """Without DEVICE it would compute on the CPU, and be ready."""
    for accelerator, backend in WHEELS[name].backends.items():
        told = OPENVINO[accelerator] if name == "openvino" else str(accelerator)
        assert (RECIPES[name].runtime.env | backend.env)["DEVICE"] == told
    (asked,) = [case for case in cases(name) if case.name == "computes-where-it-was-built-for"]
    assert "{accelerator}" in asked.expect.values.values()


@pytest.mark.parametrize("name", OF_PICTURES)
def test_bad_and_odd_pictures_are_sent_to_each_service_that_takes_pictures(name: str) -> None:
    sent = " ".join(one.model_dump_json() for one in requests(name))
    assert [file for file in PICTURES if f"tests/pictures/{file}" not in sent] == []
    assert any(one.body == "hello" for one in requests(name)), "what is no picture"


@pytest.mark.parametrize("name", OF_TEXTS)
def test_empty_and_long_texts_are_sent_to_each_server_that_takes_texts(name: str) -> None:
    sent = [json.dumps(one.body) for one in requests(name) if one.body is not None]
    assert any("characters}" in body for body in sent), "100,000 characters"
    assert any('""' in body or '"messages": "hello"' in body for body in sent), "an empty text, or what is no message"


def answers(recipe: Recipe) -> bool:
    """Whether clients send it work in JSON."""
    return any(case.http and case.http.method == "POST" for case in recipe.probes.cases)


FORMS = frozenset(("prometheus", "whisper"))
"""They take no JSON."""


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if answers(recipe) and name not in FORMS])
def test_broken_json_is_sent_to_each_and_it_must_live_after_all(name: str) -> None:
    broken = [one.body for one in requests(name) if isinstance(one.body, str) and one.body.startswith("{")]
    assert any(not _is_json(body) for body in broken)
    assert any(case.name.startswith("lives") for case in cases(name))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
