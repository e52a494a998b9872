"""Each mistake in a stack is told with its file, its line and what to do, before anything is rendered."""

from __future__ import annotations

import textwrap

import pytest

from bakehouse.errors import InputError
from tests.unit.stacks.sample import HOSTED, MIXED, PLAIN, plan

HEAD = "version: 1\nsummary: x\nservices:\n"


def said(services: str, host: str = PLAIN, rest: str = "", **changes: object) -> str:
    """The error's words."""
    text = HEAD + textwrap.indent(textwrap.dedent(services), "  ") + textwrap.dedent(rest)
    with pytest.raises(InputError) as raised:
        plan(text, host, **changes)
    return str(raised.value)


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        (
            "a: {recipe: gate, needs: [b]}\nb: {recipe: gate, needs: [c]}\nc: {recipe: gate, needs: [a]}\n",
            "stacks/sample.yaml:4: services.a.needs: a needs b needs c needs a: none of them could start first",
        ),
        ("a: {recipe: gate, needs: [a]}\n", "services.a.needs: a needs a"),
        (
            "a: {recipe: gate, publish: {port: 80}}\nb: {recipe: gate, publish: {port: 80}}\n",
            "stacks/sample.yaml:5: services.b.publish.port: port 80 of the machine is a's already",
        ),
        ("a: {recipe: gat}\n", "there is no recipe 'gat'\n  Perhaps you meant 'gate'."),
        ("a: {cell: gate-cpu-amd65}\n", "Perhaps you meant 'gate-cpu-amd64'."),
        (
            "a: {recipe: gate, model: {name: tyni}}\n",
            "services.a.model.name: there is no model 'tyni'\n  There is: tiny.",
        ),
        ("abc: {recipe: gate}\nx: {recipe: gate, needs: [abd]}\n", "there is no service 'abd'"),
        ("A_b: {recipe: gate}\n", "It must be a DNS label"),
        ("a-: {recipe: gate}\n", "It must be a DNS label"),
        ("a: {}\n", "must say which image it is"),
        ("a: {recipe: gate, cell: gate-cpu-amd64}\n", "and not both"),
        ("a: {recipe: gate, model: {name: tiny, file: /x}}\n", "must name one of"),
        ("a: {recipe: gate, colour: red}\n", "unknown key 'colour'"),
        ("a: {recipe: gate, keeps: {/x: one}, files: {/x: ./y}}\n", "two things are mounted at /x of a"),
        ('a: {recipe: gate, args: ["a\\nb"]}\n', "without line breaks"),
        ("a: {recipe: gate, files: {/x/../y: ./y}}\n", "no '..'"),
        ("a: {recipe: gate, publish: {port: 80, address: example.org}}\n", "It must be an IP address"),
        (
            "a: {recipe: gate, loosen: [{right: capabilities, reason: x}, {right: capabilities, reason: y}]}\n",
            "capabilities is loosened twice",
        ),
    ],
)
def test_in_the_stack(services: str, expected: str) -> None:
    assert expected in said(services)


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("gateway: {service: gat, routes: [a]}\n", "there is no service 'gat'"),
        ("gateway: {service: g, routes: [g]}\n", "the gateway cannot route to itself"),
        ("gateway: {service: g, routes: [b]}\n", "b does not say what requests call its model"),
        ("gateway: {service: g, routes: [a, a]}\n", "a is listed twice"),
        ("metrics: {service: prom}\n", "there is no service 'prom'"),
        ("load: {users: 1}\n", "the load goes through the gateway, and there is none"),
        ("probes: [{name: p, steps: [{to: zz, http: {path: /}}]}]\n", "probes[0].steps[0].to: there is no service"),
    ],
)
def test_around_the_services(rest: str, expected: str) -> None:
    services = "a: {recipe: gate, serves: m}\nb: {recipe: gate}\ng: {recipe: gate}\n"

    assert expected in said(services, rest=rest)


ALONE = "{recipe: server, accelerator: cuda, card: {whole: true, memory: 1 GiB}}"
LLM = "{recipe: llm, accelerator: cuda, model: {name: tiny}, card: {memory: 20 GiB}}"


@pytest.mark.parametrize(
    ("services", "host", "expected"),
    [
        (
            f"a: {LLM}\n",
            HOSTED + "services: {a: {cards: [2]}}\n",
            "stacks/hosts/box.yaml:8: services.a.cards[0]: there is no card 2: the machine has 2 (0 to 1)",
        ),
        (
            f"a: {LLM}\n",
            HOSTED + "services: {b: {cards: [0]}}\n",
            "stacks/hosts/box.yaml:8: services.b: there is no service 'b'",
        ),
        (f"a: {LLM}\n", HOSTED.replace("rtx5090", "rtx5091"), "there is no card 'rtx5091'"),
        (
            "a: {recipe: llm, accelerator: rocm, card: {memory: 1 GiB}}\n",
            MIXED + "services: {a: {cards: [0]}}\n",
            "no image of a runs on card 0 (rtx5090)\n  It has images for card 1 (rx7900xtx).",
        ),
        (
            f"a: {ALONE}\nb: {ALONE}\n",
            HOSTED + "services: {a: {cards: [0]}, b: {cards: [0]}}\n",
            "b and a are both on card 0 (rtx5090), which b claims whole",
        ),
        (
            f"a: {ALONE}\nb: {ALONE}\nc: {ALONE}\n",
            HOSTED,
            "it wants a card to itself, and each has a service already",
        ),
        (
            "a: {recipe: llm, accelerator: cuda, card: {memory: 25 GiB}}\n",
            HOSTED.replace("- {gpu: rtx5090}\n", "").replace("- {gpu: rtx4090}", "- {gpu: rtx4090}"),
            "it takes 25.0 GiB (declared), and 1.50 GiB are missing on card 0 (rtx4090)",
        ),
        (
            "a: {recipe: gate, accelerator: cuda, card: {memory: 1 GiB}}\n",
            HOSTED,
            "no image of a runs on a card of box",
        ),
        ("a: {recipe: gate, memory: 20 GiB}\n", PLAIN, "the services may use 20.0 GiB together, and box has 16.0 GiB"),
        (
            "a: {recipe: gate}\n",
            PLAIN + "platform: linux/riscv64\n",
            "no cell of recipe gate runs on the processor of box",
        ),
    ],
)
def test_on_the_machine(services: str, host: str, expected: str) -> None:
    assert expected in said(services, host)


def test_an_image_that_no_run_has_passed_is_refused_and_used_when_asked_for() -> None:
    words = said("a: {recipe: gate}\n", digests={})

    assert "stacks/sample.yaml:4: services.a: no run has passed gate-cpu-amd64, the image of a" in words
    assert "nox -s build-matrix -- --only gate-cpu-amd64" in words
    untested = plan(HEAD + "  a: {recipe: gate}\n", digests={}, untested=True)
    assert untested.service("a").image == "bakehouse/gate:cpu-amd64"
    assert not untested.service("a").tested


def test_all_mistakes_are_told_at_once() -> None:
    words = said("a: {recipe: gat}\nb: {recipe: gate, needs: [z]}\n")

    assert "recipe 'gat'" in words
    assert "service 'z'" in words


def test_a_model_that_is_nowhere() -> None:
    assert "no place has the model tiny of a" in said("a: {recipe: llm, model: {name: tiny}}\n", facts={})
