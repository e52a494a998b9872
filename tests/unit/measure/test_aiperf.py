"""Results in `aiperf/` were recorded from aiperf 0.13.0 against the mock server; a script stands in for the program."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bakehouse.errors import InfrastructureError, InputError
from bakehouse.measure import workload_runs
from bakehouse.measure.aiperf import Aiperf, Result, command, find_aiperf, trace
from bakehouse.measure.workload_runs import PlannedLoad
from bakehouse.model.recipe import Arrivals, Chat, Limits, Load, Sweep

RECORDED = Path(__file__).parent / "aiperf"
SWEEP = Sweep(kind="sweep", users=(2,), requests_each=5, prompt_words=8, output_tokens=6)
SUMMARY, REQUESTS = "profile_export_aiperf.json", "profile_export.jsonl"


def planned(load: Load = SWEEP) -> PlannedLoad:
    (found,) = workload_runs.plan(load, chance=random.Random(1), native=False, model="default")
    return found


Install = Callable[[str], dict[str, str]]
"""Puts a script on the PATH that it returns."""


@pytest.fixture
def install(tmp_path: Path) -> Install:
    def write(body: str) -> dict[str, str]:
        program = tmp_path / "bin" / "aiperf"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        return {"PATH": f"{program.parent}:{os.environ['PATH']}"}

    return write


@pytest.fixture
def profile(install: Install, tmp_path: Path) -> Callable[..., Result]:
    """Have a program do something in the folder where its results go."""

    def run(body: str, *, asked: PlannedLoad | None = None, timeout: float = 20.0, **environ: str) -> Result:
        program = Aiperf(
            path=Path(install(body)["PATH"].partition(":")[0]) / "aiperf",
            version="0.13.0",
            environ=os.environ | environ,
        )
        return program.profile(
            asked or planned(), url="http://127.0.0.1:1", limits=Limits(), folder=tmp_path / "run", timeout=timeout
        )

    return run


def recorded(name: str) -> str:
    return f"cp {RECORDED / name}/* ."


def changed(folder: Path, change: Callable[[dict[str, Any], list[dict[str, Any]]], None]) -> str:
    """A script that leaves the recorded answers, changed."""
    summary = json.loads((RECORDED / "answered" / SUMMARY).read_text())
    requests = [json.loads(line) for line in (RECORDED / "answered" / REQUESTS).read_text().splitlines()]
    change(summary, requests)
    folder.mkdir()
    (folder / SUMMARY).write_text(json.dumps(summary))
    (folder / REQUESTS).write_text("".join(f"{json.dumps(request)}\n" for request in requests))
    return f"cp {folder}/* ."


# What it is told


def test_a_level_of_users_asks_whole_requests_and_needs_no_network() -> None:
    words = command(
        Path("/bin/aiperf"), planned(), url="http://s:1", limits=Limits(ttft=0.5, tpot=0.05), folder=Path("/f")
    )
    assert " ".join(words) == (
        "/bin/aiperf profile --url http://s:1 --model default --endpoint-type completions --streaming "
        "--input-file /f/input.jsonl --custom-dataset-type mooncake_trace "
        "--request-count 10 --request-timeout-seconds 600 --connection-reuse-strategy never "
        "--no-fixed-schedule --concurrency 2 --goodput time_to_first_token:500 inter_token_latency:50 "
        "--use-server-token-count --tokenizer /f/home "
        "--ui none --no-gpu-telemetry --no-server-metrics --output-artifact-dir /f"
    )
    assert "time_to_first_token:500 inter_token_latency:50" in words


def test_moments_are_kept_to_and_chats_go_to_their_own_path() -> None:
    arrivals = planned(Arrivals(kind="arrivals", rate=10, requests=3))
    words = command(Path("aiperf"), arrivals, url="http://s:1", limits=Limits(), folder=Path("/f"))
    assert "--fixed-schedule" in words
    assert not {"--concurrency", "--goodput"} & set(words)
    chat = command(Path("aiperf"), planned(Chat(kind="chat")), url="u", limits=Limits(), folder=Path("/f"))
    assert chat[chat.index("--endpoint-type") + 1] == "chat"


def test_requests_are_ours_word_for_word() -> None:
    sweep = planned()
    assert [json.loads(line) for line in trace(sweep).splitlines()] == [
        {"payload": request.body()} for request in sweep.requests
    ]
    arrivals = planned(Arrivals(kind="arrivals", rate=10, requests=3))
    assert [json.loads(line)["timestamp"] for line in trace(arrivals).splitlines()] == [
        moment * 1000 for moment in arrivals.due
    ]


# Which program it is


def test_the_program_on_path_is_found_with_its_version(install: Install) -> None:
    environ = install("echo aiperf 0.14.0.dev1+local")
    assert find_aiperf(environ).name == "aiperf 0.14.0.dev1+local"


def test_a_program_that_is_not_installed_is_bad_input_with_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)the program aiperf is not on PATH.*pipx install aiperf"):
        find_aiperf({"PATH": str(tmp_path)})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("echo No module named aiperf >&2; exit 1", "does not run.*No module named aiperf"),
        ("kill -9 $$", "does not run.*signal 9"),
        ("echo usage", "names no version; it said: usage"),
        ("echo 0.8.2", "is version 0.8.2, and 0.9 is the oldest.*pipx upgrade"),
    ],
)
def test_a_program_that_cannot_be_used_is_bad_input(install: Install, body: str, words: str) -> None:
    with pytest.raises(InputError, match=f"(?s){words}"):
        find_aiperf(install(body))


# What it says


def test_figures_are_in_our_units_and_without_percentiles_of_too_few_requests(profile: Callable[..., Result]) -> None:
    found = profile(recorded("answered"))
    assert (found.reason, found.answered) == ("", 10)
    assert {metric: (round(said.value, 6), said.unit) for metric, said in found.values.items()} == {
        "ttft": (0.02608, "seconds"),
        "ttft_p90": (0.028968, "seconds"),
        "latency": (0.050505, "seconds"),
        "latency_p90": (0.053707, "seconds"),
        "tpot": (0.004972, "seconds"),
        "tpot_p90": (0.005468, "seconds"),
        "decode_rate": (201.119177, "tokens/s"),
        "system_rate": (205.93005, "tokens/s"),
        "request_rate": (34.321675, "requests/s"),
        "goodput": (34.321675, "requests/s"),
    }


@pytest.mark.parametrize(
    ("name", "reason", "answered"),
    [
        ("refused", '10 of 10 requests failed; the first: {"error": {"message": "out of patience"}}', 0),
        ("partly", "2 of 10 requests failed; the first: ClientOSError(104, 'Connection reset by peer')", 2),
    ],
)
def test_one_request_that_failed_makes_the_run_void(
    profile: Callable[..., Result], name: str, reason: str, answered: int
) -> None:
    assert profile(f"{recorded(name)}; exit 1") == Result(reason=reason, answered=answered)


def shorter(_: dict[str, Any], requests: list[dict[str, Any]]) -> None:
    requests[3]["metrics"]["output_sequence_length"]["value"] = 5


def without_usage(summary: dict[str, Any], requests: list[dict[str, Any]]) -> None:
    for request in requests:
        for tag in ("output_sequence_length", "inter_token_latency", "output_token_throughput_per_user"):
            del request["metrics"][tag]
    del summary["output_token_throughput"]


def cached(summary: dict[str, Any], _: list[dict[str, Any]]) -> None:
    summary["total_usage_prompt_cache_read_tokens"]["avg"] = 28.0


def one_lost(_: dict[str, Any], requests: list[dict[str, Any]]) -> None:
    del requests[-1]


def cancelled(summary: dict[str, Any], _: list[dict[str, Any]]) -> None:
    summary["was_cancelled"] = True


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (shorter, "60 tokens were asked for in all, and the server made 59: it ended early"),
        (without_usage, "the server does not say how many tokens it made: the answer has no `usage`"),
        (cached, "28 prompt tokens came from a cache: they were not computed"),
        (one_lost, "10 requests were asked for, and aiperf sent 9"),
        (cancelled, "aiperf was interrupted"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_answers_that_were_not_asked_for_so_do_not_count(
    profile: Callable[..., Result], tmp_path: Path, change: Callable[..., None], reason: str
) -> None:
    found = profile(changed(tmp_path / "changed", change))
    assert found.reason.startswith(reason)
    assert not found.values


def test_its_own_warm_up_does_not_count(profile: Callable[..., Result], tmp_path: Path) -> None:
    def warm(_: dict[str, Any], requests: list[dict[str, Any]]) -> None:
        requests.append({"metadata": {"benchmark_phase": "warmup"}, "metrics": {}, "error": {"message": "cold"}})

    assert profile(changed(tmp_path / "changed", warm)).reason == ""


# What goes wrong with the program

ERRORS = """cat << 'END'
09:11:54.705 INFO     Registered Worker Manager (id: 'worker_manager') (system_controller_dispatch.py:146)
09:11:54.794 ERROR    Dataset configuration failed: TokenizerError("no tokenizer") (dataset_manager.py:193)
09:11:54.799 ERROR    Failed for SystemController: Failed to perform operation 'Configure Profiling'
END
exit 1"""
BOX = """cat >&2 << 'END'
╭─ Error ─────────────────────────────────╮
│ Unknown option: "--no-fixed-schedule".  │
╰─────────────────────────────────────────╯
END
exit 1"""
GOOD = recorded("answered")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (ERRORS, r'aiperf ended with status 1: Dataset configuration failed: TokenizerError\("no tokenizer"\)'),
        (BOX, 'aiperf ended with status 1: .*Unknown option: "--no-fixed-schedule"'),
        ("exit 3", "aiperf ended with status 3: it said nothing"),
        ("kill -9 $$", "aiperf was ended by signal 9: it said nothing"),
        (f"{GOOD}; kill -9 $$", "aiperf was ended by signal 9"),
        (":", f"no result that can be read in .*{SUMMARY}: .*cannot be read"),
        (f"{GOOD}; rm {SUMMARY}", f"no result that can be read in .*{SUMMARY}"),
        (f"{GOOD}; echo '[]' > {SUMMARY}", "it is no single object"),
        (f"{GOOD}; echo '{{}}' > {SUMMARY}", "it has none of the metrics that are read"),
        (f"{GOOD}; echo 'half' > {SUMMARY}", "is not JSON"),
        (f"{GOOD}; printf '\\377' > {SUMMARY}", "is not text in UTF-8"),
        (f"{GOOD}; echo '{{half' >> {REQUESTS}", f"{REQUESTS}: is not JSON"),
        (f"{GOOD}; echo '7' > {REQUESTS}", "a line is no object"),
    ],
)
def test_a_program_that_fails_is_no_fault_of_the_server(profile: Callable[..., Result], body: str, words: str) -> None:
    with pytest.raises(InfrastructureError, match=f"(?s){words}") as raised:
        profile(body)
    assert "\n" not in raised.value.message
    assert "said.log" in (raised.value.hint or "")


def test_a_program_that_hangs_is_ended(profile: Callable[..., Result]) -> None:
    with pytest.raises(InfrastructureError, match="aiperf did not end within"):
        profile("exec sleep 60", timeout=0.1)


def test_it_runs_in_a_home_of_its_own_with_a_tokenizer_and_nothing_of_an_earlier_run(
    profile: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / REQUESTS).write_text('{"metrics": {}, "error": {"message": "of yesterday"}}')
    body = f"env > ../env; pwd > ../pwd; cat home/tokenizer.json > ../tokenizer; {GOOD}; echo well"
    found = profile(body, HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    assert found.reason == ""
    environ = (tmp_path / "env").read_text()
    assert f"HOME={tmp_path}/run/home\n" in environ
    assert "OFFLINE" not in environ
    assert json.loads((tmp_path / "tokenizer").read_text())["model"]["type"] == "WordLevel"
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"input.jsonl", "said.log", SUMMARY, REQUESTS}
    assert (tmp_path / "run" / "said.log").read_text() == "well\n"
