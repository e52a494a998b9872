"""From a stack's file and a machine to a plan."""

from __future__ import annotations

import pytest

from bakehouse.errors import InputError
from tests.unit.stacks.sample import DIGEST, GIB, HOSTED, MIXED, PLAIN, inputs, plan

CHAT = """\
    version: 1
    summary: one model
    services:
      chat:
        recipe: llm
        model: {name: tiny}
        card: {memory: 10 GiB}
    """


def test_a_service_gets_the_cell_of_its_card() -> None:
    made = plan(CHAT, HOSTED).service("chat")

    assert made.cell == "llm-cuda13.0-sm120-amd64"
    assert [slot.index for slot in made.slots] == [0]
    assert made.image == f"bakehouse/llm:cuda13.0-sm120-amd64@{DIGEST}"


def test_a_machine_without_a_card_runs_it_on_the_processor() -> None:
    made = plan(CHAT, PLAIN).service("chat")

    assert made.cell == "llm-cpu-amd64"
    assert not made.slots
    assert "--n-gpu-layers" not in made.args


def test_on_a_card_a_server_must_not_place_layers_elsewhere() -> None:
    made = plan(CHAT, HOSTED).service("chat")

    assert made.args[:3] == ("--model", "/models/tiny.gguf", "--metrics")
    assert made.args[3:] == ("--n-gpu-layers", "999", "--fit", "off")


def test_a_driver_decides_which_toolkit() -> None:
    old = HOSTED.replace("580.95.05", "550.54.15").replace("- {gpu: rtx5090}\n", "")

    assert plan(CHAT, old).service("chat").cell.startswith("llm-cuda12.4-")


def test_of_two_vendors_each_card_gets_its_own_image() -> None:
    text = """\
        version: 1
        summary: one of each
        services:
          green: {recipe: server, accelerator: cuda, card: {memory: 1 GiB}}
          red: {recipe: server, accelerator: rocm, card: {memory: 1 GiB}}
        """
    made = plan(text, MIXED)

    assert made.service("green").slots[0].id.startswith("GPU-")
    assert made.service("red").slots[0].render == "/dev/dri/renderD129"
    assert made.service("red").image.startswith("registry.example.org/team/bakehouse/server:rocm7.2")


def test_a_server_that_takes_all_it_can_get_is_given_a_share() -> None:
    text = """\
        version: 1
        summary: a large one
        services:
          big: {recipe: big, model: {folder: ./models/glm}, card: {memory: 8 GiB}, args: [--max-model-len, "4096"]}
        """
    made = plan(text, HOSTED).service("big")

    assert made.args == ("--model", "/models/glm", "--gpu-memory-utilization", "0.25", "--max-model-len", "4096")


def test_a_machine_overrides_what_the_stack_says() -> None:
    host = HOSTED + 'services:\n  chat: {cards: [1], memory: 3 GiB, args: [-c, "512"], env: {A: b}}\n'
    made = plan(CHAT, host).service("chat")

    assert [slot.index for slot in made.slots] == [1]
    assert made.need.bytes == 3 * GIB
    assert made.args[-2:] == ("-c", "512")
    assert made.env == {"A": "b"}


def test_what_is_needed_of_a_card_is_not_guessed() -> None:
    with pytest.raises(InputError) as raised:
        plan(CHAT.replace("card: {memory: 10 GiB}", ""), HOSTED)

    assert "stacks/sample.yaml:5: services.chat.card: it is unknown how much of a card chat takes" in str(raised.value)
    assert "card.memory" in (raised.value.hint or "")


def test_what_was_measured_counts_more_than_what_was_probed() -> None:
    probed, measured = plan(CHAT, PLAIN), plan(CHAT, PLAIN, measured={"chat": 3 * GIB})

    assert probed.service("chat").need.how == "probed"
    assert measured.service("chat").need.how == "measured"
    assert measured.service("chat").need.bytes == 3 * GIB


def test_a_port_is_told_as_the_family_is_told_ports() -> None:
    text = """\
        version: 1
        summary: x
        services:
          a: {recipe: llm, port: 9000}
          b: {recipe: big, port: 9001}
          c: {recipe: gate, port: 9002}
        """
    made = plan(text)

    assert made.service("a").env == {"LLAMA_ARG_PORT": "9000"}
    assert made.service("b").args == ("--port", "9001")
    assert made.service("c").env == {"PORT": "9002"}


def test_a_service_of_a_profile_is_an_optional_need() -> None:
    text = """\
        version: 1
        summary: x
        services:
          a: {recipe: gate, needs: [b]}
          b: {recipe: gate, profile: extra}
          c: {recipe: gate, profile: extra, needs: [b]}
        """
    made = plan(text)

    assert [need.required for need in made.service("a").needs] == [False]
    assert [need.required for need in made.service("c").needs] == [True]


def test_large_models_get_time_to_load() -> None:
    small = plan(CHAT, HOSTED).service("chat").health.start_period
    given = inputs(CHAT, HOSTED)
    large = {"chat": given.facts["chat"].__class__(bytes=60 * 10**9, paths=("/m/x.gguf",))}

    assert small == 120
    assert plan(CHAT, HOSTED, facts=large).service("chat").health.start_period == 660


def test_a_rate_that_was_measured_is_expected_unless_the_stack_says_another() -> None:
    rates = {"llm-cpu-amd64": 41.5}

    assert plan(CHAT, PLAIN, rates=rates).metrics.expected == {"chat": 41.5}
    said = plan(CHAT + "metrics: {expected: {chat: 7}}\n", PLAIN, rates=rates)
    assert said.metrics.expected == {"chat": 7}
