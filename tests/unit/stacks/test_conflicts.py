"""What a file says against what bakehouse decides itself is refused, in the file that says it."""

from __future__ import annotations

import pytest

from tests.unit.stacks.sample import HOSTED, MIXED, PLAIN, plan
from tests.unit.stacks.test_wrong import HEAD, said

LLM = "recipe: llm, accelerator: cpu, model: {name: tiny}"
OURS = "is given by bakehouse, which must know it"


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        (
            "a: {recipe: gate}\nb: {recipe: gate, needs: [a, a]}\n",
            "sample.yaml:5: services.b.needs[1]: a is listed twice",
        ),
        (f"a: {{{LLM}, args: [--port, '9']}}\n", f"sample.yaml:4: services.a.args[0]: --port of a {OURS}"),
        (f"a: {{{LLM}, args: [--ctx-size, '9', --port=9]}}\n", f"services.a.args[2]: --port of a {OURS}"),
        (f"a: {{{LLM}, args: [-m, /x.gguf]}}\n", f"services.a.args[0]: -m of a {OURS}\n  Write model in the stack"),
        (f"a: {{{LLM}, args: [--model, /x.gguf]}}\n", f"--model of a {OURS}"),
        ("a: {recipe: gate, env: {PORT: '9'}}\n", f"services.a.env.PORT: PORT of a {OURS}\n  Write port: NUMBER"),
        ("a: {recipe: gate, model: {name: tiny}, env: {MODEL: /x}}\n", f"services.a.env.MODEL: MODEL of a {OURS}"),
        (
            f"a: {{{LLM}, card: {{whole: true}}}}\n",
            "services.a.card: a computes on the processor and takes nothing of a",
        ),
        (
            "a: {cell: llm-cpu-amd64, accelerator: cuda}\n",
            "services.a.accelerator: llm-cpu-amd64 is an image for cpu, and accelerator says cuda",
        ),
        ("a: {recipe: llm, model: {folder: /x}}\n", "services.a.model.folder: a serves a file, .gguf, and no folder"),
        ("a: {recipe: llm, model: {file: /x.safetensors}}\n", "a serves a file that ends with .gguf"),
        (
            f"a: {{{LLM}, files: {{/models: ./x}}}}\n",
            "services.a.files./models: /models of a is the folder that its model",
        ),
        ("a: {recipe: gate, keeps: {/tmp: x}}\n", "services.a.keeps./tmp: /tmp of a is memory"),
        ("a: {recipe: gate, files: {/proc/x: ./x}}\n", "/proc/x of a is the kernel's: /proc"),
        ("a: {recipe: gate, shm: 2 GiB, memory: 1 GiB}\n", "services.a.shm: a shares 2 GiB between its processes"),
        ("a: {recipe: gate, profile: p}\nb: {recipe: gate, profile: q}\n", "services: every service has a profile"),
        ("a: {recipe: llm, accelerator: cuda, card: {memory: 1 GiB}}\n", "a computes on a card, and box has none"),
    ],
)
def test_a_service_against_what_is_given(services: str, expected: str) -> None:
    assert expected in said(services)


@pytest.mark.parametrize(
    "services",
    [
        "a: {recipe: gate, files: {/models/x: ./x, /tmp/x: ./x, /dev/shm/x: ./x}}\n",
        "a: {recipe: llm, args: [--model, /models/x.gguf], files: {/models/x.gguf: ./x.gguf}}\n",
        "a: {cell: llm-cpu-amd64, accelerator: cpu}\n",
    ],
)
def test_what_is_beside_it_is_taken(services: str) -> None:
    assert plan(f"{HEAD}  {services}").service("a")


@pytest.mark.parametrize(
    ("services", "rest", "expected"),
    [
        (
            "a: {recipe: llm, model: {name: tiny}, serves: m}\nb: {recipe: llm, model: {name: tiny}}\n",
            "gateway: {service: b, routes: [a]}\n",
            "gateway.service: b serves a model, so it is not what leads requests to the others",
        ),
        ("a: {recipe: llm, model: {name: tiny}}\n", "metrics: {service: a}\n", "metrics.service: a serves a model"),
        (
            "a: {recipe: gate, serves: m}\ng: {recipe: gate}\n",
            "gateway: {service: g, routes: [a]}\nload: {users: 1}\n",
            "load: the load is a conversation, and no service behind the gateway answers one",
        ),
        (
            "a: {recipe: llm, serves: m}\ng: {recipe: gate, profile: p}\n",
            "gateway: {service: g, routes: [a]}\n",
            "gateway.service: g is started only with the profile p",
        ),
        (
            "a: {recipe: llm}\np: {recipe: gate, profile: q}\n",
            "metrics: {service: p}\n",
            "metrics.service: p is started only with the profile q",
        ),
        (
            "a: {recipe: llm, serves: m}\ng: {recipe: gate, env: {AUTH: none}}\n",
            "gateway: {service: g, routes: [a]}\n",
            f"services.g.env.AUTH: AUTH of g {OURS}",
        ),
    ],
)
def test_around_the_services(services: str, rest: str, expected: str) -> None:
    assert expected in said(services, rest=rest)


STEP = "{to: a, http: {method: POST, path: /x, body: {q: 'what is %s'}}%s}"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            [("{x}", ", take: {seen: a}"), ("{sen}", "")],
            "probes[0].steps[1].http.body: {sen} is taken by no step before",
        ),
        ([("{seen}", ""), ("x", ", take: {seen: a}")], "probes[0].steps[0].http.body: {seen} is taken by a later step"),
        ([("x", ", take: {seen: 'a[[0'}")], "probes[0].steps[0].take.seen: 'a[[0' is no JMESPath expression"),
    ],
)
def test_what_a_probe_takes(steps: list[tuple[str, str]], expected: str) -> None:
    rest = f"probes: [{{name: p, steps: [{', '.join(STEP % step for step in steps)}]}}]\n"

    assert expected in said("a: {recipe: gate}\n", rest=rest)


def test_braces_are_text_where_nothing_is_taken() -> None:
    assert plan(f"{HEAD}  a: {{recipe: gate}}\nprobes: [{{name: p, steps: [{STEP % ('{x}', '')}]}}]\n").probes


AMD = PLAIN + "cards:\n  - {gpu: rx7900xtx%s}\n"
ON_CARD = "a: {recipe: server, accelerator: cuda, card: {memory: 1 GiB, count: 2}}\n"


@pytest.mark.parametrize(
    ("services", "host", "expected"),
    [
        (
            f"a: {{{LLM}}}\n",
            PLAIN + "services: {a: {memory: 3 GiB}}\n",
            "box.yaml:4: services.a.memory: a computes on the",
        ),
        (
            f"a: {{{LLM}}}\n",
            HOSTED + "services: {a: {cards: [0]}}\n",
            "box.yaml:8: services.a.cards: a computes on the",
        ),
        (
            ON_CARD,
            HOSTED + "services: {a: {cards: [0]}}\n",
            "services.a.cards: a wants 2 of the cards, and is placed on 1",
        ),
        (
            f"a: {{{LLM}}}\n",
            PLAIN + "services: {a: {args: [--port, '1']}}\n",
            "box.yaml:4: services.a.args[0]: --port of a",
        ),
        (
            "a: {recipe: gate}\n",
            PLAIN + "services: {a: {env: {PORT: '1'}}}\n",
            "box.yaml:4: services.a.env.PORT: PORT of a",
        ),
        (
            "a: {recipe: gate}\n",
            HOSTED.replace("{gpu: rtx5090}", "{gpu: rtx5090, id: '1'}"),
            "box.yaml:7: cards[1]: the id '1', which card 1 has where nothing else is written, is card 0's already",
        ),
        (
            "a: {recipe: gate}\n",
            AMD % ", render: /dev/dri/renderD129" + "  - {gpu: rx7900xtx, render: /dev/dri/renderD129}\n",
            "cards[1].render: the render '/dev/dri/renderD129' is card 0's already",
        ),
        (
            "a: {recipe: gate}\n",
            AMD % "" + "  - {gpu: rx7900xtx}\n",
            "box.yaml:6: cards[1]: the render '/dev/dri/renderD128'",
        ),
        (
            "a: {recipe: gate}\n",
            AMD % ", sharing: mps",
            "cards[0].sharing: cards of amd are not shared by mps\n  There is: none.",
        ),
        ("a: {recipe: gate}\n", AMD % ", mig: 1g.10gb", "cards[0].mig: cards of amd have no MIG instances"),
        (
            "a: {recipe: gate}\n",
            HOSTED.replace("{gpu: rtx5090}", "{gpu: rtx5090, mig: 1g.10gb}"),
            "cards[0].mig: a MIG instance has a part of the memory of rtx5090, and nothing says how much",
        ),
        (
            "a: {recipe: gate}\n",
            HOSTED.replace("{gpu: rtx5090}", "{gpu: rtx5090, id: '0', memory: 8 GiB, mig: 1g.10gb}"),
            "cards[0].mig: 0 names the whole rtx5090, and not its instance 1g.10gb",
        ),
        (
            "a: {recipe: server, accelerator: cuda, card: {memory: 1 GiB}}\n",
            HOSTED.replace("580.95.05", "470.57.02"),
            "See `bakehouse plan --gpu rtx5090 --driver 470.57.02` and `bakehouse plan --gpu rtx4090 --dri",
        ),
    ],
)
def test_in_the_machines_file(services: str, host: str, expected: str) -> None:
    assert expected in said(services, host)


def test_cards_of_two_vendors_have_names_of_their_own() -> None:
    assert len(plan(f"{HEAD}  a: {{recipe: gate}}\n", MIXED).machine.slots) == 2


def test_files_of_a_service_are_the_projects_where_it_runs_here() -> None:
    text = f"{HEAD}  a: {{recipe: gate, files: {{/x: ./x, /y: /srv/y, /z: ~/z}}}}\n"

    def sources(folder: str | None) -> list[str]:
        return [mount.source for mount in plan(text, folder=folder).service("a").mounts]

    assert sources(None) == ["./x", "/srv/y", "~/z"]
    assert sources("/work/project") == ["/work/project/x", "/srv/y", "~/z"]
