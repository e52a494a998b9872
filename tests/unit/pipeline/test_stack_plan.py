"""What earlier runs tell a stack's plan: digests that passed, rates, and memory under load."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from bakehouse.errors import InputError
from bakehouse.model.enums import Verdict
from bakehouse.model.report import CellReport, Host, Image, Measurement, Metric, RunReport, Sample
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.stack_plan import Wanted, make_stack_plan, measured_memory, measured_rates, passed_digests
from bakehouse.reporters import json_file
from bakehouse.stacks.need import ModelFacts
from tests.unit.projects import write_project
from tests.unit.stacks.sample import inputs

HOST = Host(
    name="box", os="x", kernel="x", platform="linux/amd64", cpu="x", cores=2, memory_bytes=1, engine="x", buildx="x"
)
STACK = """\
    version: 1
    summary: x
    services:
      chat: {recipe: llm, model: {name: tiny}, args: [-c, "512"]}
    """


def write(reports: Path, name: str, *cells: CellReport) -> None:
    run = RunReport(
        run=name, bakehouse="0", command=[], fingerprint="x", started=datetime(2026, 1, 1, tzinfo=UTC),
        verdict=Verdict.PASSED, host=HOST, cells=list(cells),
    )  # fmt: skip
    (reports / name).mkdir(parents=True)
    (reports / name / "run.json").write_text(json_file.render(run, folder=reports / name))


def cell(name: str, *, digest: str = "", verdict: Verdict = Verdict.PASSED, **more: object) -> CellReport:
    image = Image(reference="x", digest=digest, bytes_unpacked=1, bytes_compressed=1, layers=[], labels={})
    return CellReport.model_validate(
        {
            "name": name, "recipe": "llm", "accelerator": "cpu", "flag_set": "default", "platform": "linux/amd64",
            "verdict": verdict, "image": image.model_dump() if digest else None, **more,
        }
    )  # fmt: skip


def measured(metric: Metric, workload: str, *values: float, **settings: object) -> dict[str, object]:
    samples = [Sample(start=0, repetition=number, value=value) for number, value in enumerate(values)]
    one = Measurement(workload=workload, metric=metric, unit="bytes", samples=samples, settings=settings)
    return one.model_dump()


def test_the_newest_run_that_passed_a_cell_tells_its_digest(tmp_path: Path) -> None:
    write(tmp_path, "20260101-000000-aaaaaa", cell("a", digest="sha256:1"), cell("b", digest="sha256:2"))
    write(tmp_path, "20260102-000000-aaaaaa", cell("a", digest="sha256:3"))
    write(tmp_path, "20260103-000000-aaaaaa", cell("a", digest="sha256:4", verdict=Verdict.FAILED))
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "run.json").write_text("{")

    assert passed_digests(tmp_path) == {"a": "sha256:3", "b": "sha256:2"}
    assert passed_digests(tmp_path / "nowhere") == {}


def test_rates_are_medians_of_what_counts(tmp_path: Path) -> None:
    write(tmp_path, "20260101-000000-aaaaaa", cell("a", measurements=[measured("decode_rate", "tg128", 40, 44, 90)]))

    assert measured_rates(tmp_path) == {"a": 44}


def test_memory_counts_where_model_and_arguments_are_the_same(tmp_path: Path) -> None:
    loaded = inputs(STACK).loaded
    same = {"on": "processor", "model": "d", "arguments": ["-c", "512"]}
    facts = {"chat": ModelFacts(digest="d")}
    write(
        tmp_path,
        "20260101-000000-aaaaaa",
        cell("stack-sample", measurements=[measured("memory", "chat", 5, 7, **same)]),
    )

    assert measured_memory(tmp_path, loaded, facts) == {"chat": 7}
    assert measured_memory(tmp_path, loaded, {"chat": ModelFacts(digest="other")}) == {}
    write(
        tmp_path,
        "20260102-000000-aaaaaa",
        cell("stack-sample", measurements=[measured("memory", "chat", 9, **{**same, "arguments": []})]),
    )
    assert measured_memory(tmp_path, loaded, facts) == {"chat": 7}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    write_project(tmp_path)
    (tmp_path / "stacks").mkdir()
    return Context(root=tmp_path, cache=tmp_path / "cache", environ={}, console=Console(quiet=True))


def wrong_with(context: Context, text: str, *, here: bool = False) -> str:
    (context.root / "stacks/x.yaml").write_text(f"version: 1\nsummary: x\n{text}")
    with pytest.raises(InputError) as raised:
        make_stack_plan(context, Wanted(name="x", untested=True, here=here))
    return str(raised.value)


def test_a_machine_that_the_stack_names_and_nobody_has_is_told_with_its_line(context: Context) -> None:
    assert "stacks/x.yaml:3: host: there is no machine 'cpuu'" in wrong_with(
        context, "host: cpuu\nservices: {a: {recipe: server}}\n"
    )


def test_a_file_that_a_probe_sends_must_be_there(context: Context) -> None:
    request = "{method: POST, path: /, form: {picture: {file: cat.jpg}}}"
    text = f"services: {{a: {{recipe: server}}}}\nprobes: [{{name: p, steps: [{{to: a, http: {request}}}]}}]\n"

    assert "x.yaml:4: probes[0].steps[0].http.form.picture: there is no file cat.jpg" in wrong_with(context, text)


def test_a_file_of_a_service_must_be_there_where_it_runs(context: Context) -> None:
    text = "services: {a: {recipe: server, files: {/etc/x.conf: ./x.conf}}}\n"

    said = wrong_with(context, text, here=True)
    assert "x.yaml:3: services.a.files./etc/x.conf: there is no ./x.conf on this machine" in said
    (context.root / "x.conf").touch()
    (mount,) = make_stack_plan(context, Wanted(name="x", untested=True, here=True)).plan.service("a").mounts
    assert mount.source == str(context.root / "x.conf")
    (beside,) = make_stack_plan(context, Wanted(name="x", untested=True)).plan.service("a").mounts
    assert beside.source == "./x.conf"


def test_a_key_that_is_not_there_is_told_where_it_runs(context: Context) -> None:
    text = """services: {a: {recipe: server, serves: m}, g: {recipe: server}}
gateway: {service: g, routes: [a], key: /nowhere/key}
"""
    assert "x.yaml:4: gateway.key: there is no file /nowhere/key on this machine" in wrong_with(
        context, text, here=True
    )
