"""NVIDIA's aiperf makes the load: what it is told, and what its results say.

The requests are ours, word for word: aiperf reads them from a file and decides how they are sent and timed. So nothing
in them depends on its tokenizer, and the server counts the tokens. Options and files as of aiperf 0.9 to 0.13
(`aiperf profile --help`; https://docs.nvidia.com/aiperf/reference/json-export-schema).
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bakehouse.errors import InfrastructureError, InputError
from bakehouse.history.imports import aiperf
from bakehouse.history.imports.document import documents
from bakehouse.measure.loadgen.percentiles import supports
from bakehouse.measure.loadgen.workloads import Api
from bakehouse.measure.workload_runs import PERCENTILES, PlannedLoad
from bakehouse.model.enums import Verdict
from bakehouse.model.history import Value
from bakehouse.model.recipe import Limits
from bakehouse.model.report import Metric
from bakehouse.system import process

PROGRAM = "aiperf"
OLDEST = (0, 9)
"""The first that sends requests as they stand in a file (`payload` in a trace)."""
TIMEOUT = 3600.0
"""Seconds for one run of a load."""
_REQUEST_TIMEOUT = 600
_VERSION_TIMEOUT = 60.0
_INSTALL = (
    "Install it in an environment of its own (it pins many packages) and put that on PATH: `pipx install aiperf`, "
    "`uv tool install aiperf`, or `python -m venv ~/aiperf && ~/aiperf/bin/pip install aiperf` and "
    '`export PATH="$PATH:$HOME/aiperf/bin"`.'
)
_INPUT, _SUMMARY, _REQUESTS, _SAID = "input.jsonl", "profile_export_aiperf.json", "profile_export.jsonl", "said.log"
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
"""Where one of them is set, aiperf refuses a tokenizer that lies on the disk."""
_TOKENIZER: dict[str, dict[str, Any]] = {
    "tokenizer.json": {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {"<unk>": 0}, "unk_token": "<unk>"},
    },
    "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"},
}
"""It loads one although it counts nothing with it; without this it would ask a hub for one by the model's name."""
_SHOWN = 200
_IN_MS: tuple[tuple[str, str], ...] = (
    ("ttft", "time_to_first_token"),
    ("tpot", "inter_token_latency"),
    ("latency", "request_latency"),
)
"""Limits, and what aiperf calls them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What one run of a load gave."""

    values: dict[Metric, Value] = field(default_factory=dict)
    reason: str = ""
    """Why it may not count."""
    answered: int = 0
    """Requests that were."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Aiperf:
    """The program, as it is installed here."""

    path: Path
    version: str
    environ: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{PROGRAM} {self.version}"

    def profile(
        self, planned: PlannedLoad, *, url: str, limits: Limits, folder: Path, timeout: float = TIMEOUT
    ) -> Result:
        """Run a load once. `folder` gets all that aiperf writes; what an earlier run left there is removed.

        Raises InfrastructureError when aiperf itself does not do what it should. Requests that fail raise nothing.
        """
        shutil.rmtree(folder, ignore_errors=True)
        home = folder / "home"
        home.mkdir(parents=True)
        for name, content in _TOKENIZER.items():
            (home / name).write_text(json.dumps(content), encoding="utf-8")
        (folder / _INPUT).write_text(trace(planned), encoding="utf-8")
        try:
            done = process.stream(
                command(self.path, planned, url=url, limits=limits, folder=folder),
                env=_environment(self.environ, home),
                cwd=folder,
                log=folder / _SAID,
                timeout=timeout,
            )
        finally:
            shutil.rmtree(home, ignore_errors=True)
        return _result(done, planned, folder)


def find_aiperf(environ: Mapping[str, str]) -> Aiperf:
    """The one on PATH. Raises InputError when there is none, it does not run, or is too old."""
    path = process.find(PROGRAM, path=environ.get("PATH"))
    if path is None:
        raise InputError(f"--engine {PROGRAM}: the program {PROGRAM} is not on PATH", hint=_INSTALL)
    try:
        said = process.run([str(path), "--version"], env=environ, timeout=_VERSION_TIMEOUT).stdout
    except InfrastructureError as error:
        raise InputError(f"--engine {PROGRAM}: {path} does not run: {error.message}", hint=_INSTALL) from None
    version = re.search(r"\d+\.\d+[0-9A-Za-z.+-]*", said)
    if version is None:
        raise InputError(
            f"--engine {PROGRAM}: `{path} --version` names no version; it said: {_short(said)}", hint=_INSTALL
        )
    if tuple(int(part) for part in version[0].split(".")[:2]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise InputError(
            f"--engine {PROGRAM}: {path} is version {version[0]}, and {oldest} is the oldest that can be used",
            hint="Update it: `pipx upgrade aiperf`, or `pip install --upgrade aiperf` in its environment.",
        )
    return Aiperf(path=path, version=version[0], environ=environ)


def command(program: Path, planned: PlannedLoad, *, url: str, limits: Limits, folder: Path) -> list[str]:
    """What is run for a load: so many users at the same time, or the moments of the trace.

    Each request has a connection of its own, as ours have: a server that closes an idle one is no failure.
    """
    first = planned.requests[0]
    good = [f"{tag}:{limit * 1000:g}" for name, tag in _IN_MS if (limit := getattr(limits, name)) is not None]
    return [
        *(str(program), "profile", "--url", url, "--model", first.model),
        *("--endpoint-type", "chat" if first.api is Api.CHAT else "completions", "--streaming"),
        *("--input-file", str(folder / _INPUT), "--custom-dataset-type", "mooncake_trace"),
        *("--request-count", str(len(planned.requests)), "--request-timeout-seconds", str(_REQUEST_TIMEOUT)),
        *("--connection-reuse-strategy", "never"),
        *(["--fixed-schedule"] if planned.due else ["--no-fixed-schedule", "--concurrency", str(planned.users)]),
        *(["--goodput", " ".join(good)] if good else []),
        *("--use-server-token-count", "--tokenizer", str(folder / "home")),
        *("--ui", "none", "--no-gpu-telemetry", "--no-server-metrics", "--output-artifact-dir", str(folder)),
    ]


def trace(planned: PlannedLoad) -> str:
    """The requests as a trace in Mooncake's form, whole bodies in it. Moments are milliseconds."""
    moments = [{"timestamp": due * 1000} for due in planned.due] or [{}] * len(planned.requests)
    lines = [
        json.dumps(moment | {"payload": request.body()})
        for moment, request in zip(moments, planned.requests, strict=True)
    ]
    return "".join(f"{line}\n" for line in lines)


def _environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """With a home of its own, where it keeps a copy of the requests; lines are wide, so that errors stay whole."""
    kept = {name: value for name, value in environ.items() if name not in _OFFLINE}
    return kept | {"HOME": str(home), "NO_COLOR": "1", "COLUMNS": "240"}


def _result(done: process.Completed, planned: PlannedLoad, folder: Path) -> Result:
    requests = _requests(folder / _REQUESTS)
    failed = [why for request in requests if (why := aiperf.failure(request))]
    answered = len(requests) - len(failed)
    if failed:
        reason = f"{len(failed)} of {len(planned.requests)} requests failed; the first: {_short(failed[0])}"
        return Result(reason=reason, answered=answered)
    if done.code != 0:
        how = f"was ended by signal {-done.code}" if done.code < 0 else f"ended with status {done.code}"
        raise InfrastructureError(
            f"{PROGRAM} {how}: {_complaint(done)}", hint=f"All that it said is in {folder / _SAID}."
        )
    summary = _summary(folder / _SUMMARY)
    values = _with_enough_requests(aiperf.summary(summary), answered)
    if not values:
        raise _unreadable(folder / _SUMMARY, "it has none of the metrics that are read")
    whys = [said.reason for said in values.values() if said.verdict is Verdict.VOID]
    reason = whys[0] if whys else _objection(planned, requests, summary)
    return Result(values={} if reason else values, reason=reason, answered=answered)


def _objection(planned: PlannedLoad, requests: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> str:
    """Why answers that came may not count."""
    if len(requests) != len(planned.requests):
        return f"{len(planned.requests)} requests were asked for, and aiperf sent {len(requests)}"
    made = [_number(request.get("metrics"), "output_sequence_length") for request in requests]
    if not all(made):
        return "the server does not say how many tokens it made: the answer has no `usage`"
    wanted = sorted(request.output_tokens for request in planned.requests)
    if sorted(number for number in made if number) != wanted:
        return (
            f"{sum(wanted)} tokens were asked for in all, and the server made {sum(filter(None, made)):g}: it ended "
            "early (does it know ignore_eos?), or counts otherwise"
        )
    if cached := _number(summary, "total_usage_prompt_cache_read_tokens", "avg"):
        return f"{cached:g} prompt tokens came from a cache: they were not computed"
    return ""


def _with_enough_requests(values: Mapping[Metric, Value], count: int) -> dict[Metric, Value]:
    """Those percentiles that so many requests have; see docs/metrics.md."""
    missing = tuple(f"_p{share}" for share in PERCENTILES if not supports(count, share))
    return {metric: said for metric, said in values.items() if not metric.endswith(missing)}


def _requests(path: Path) -> list[Mapping[str, Any]]:
    """A record for each request; none where aiperf did not get that far."""
    if not path.exists() or not path.stat().st_size:
        return []
    try:
        found = [document for _, document in documents(path)]
    except InputError as error:
        raise _unreadable(path, error.message) from None
    if not all(isinstance(document, Mapping) for document in found):
        raise _unreadable(path, "a line is no object")
    return [document for document in found if not aiperf.is_warm_up(document)]


def _summary(path: Path) -> Mapping[str, Any]:
    try:
        found = [document for _, document in documents(path)]
    except InputError as error:
        raise _unreadable(path, error.message) from None
    if len(found) != 1 or not isinstance(found[0], Mapping):
        raise _unreadable(path, "it is no single object")
    return found[0]


def _unreadable(path: Path, why: str) -> InfrastructureError:
    return InfrastructureError(
        f"{PROGRAM} left no result that can be read in {path}: {_short(why)}",
        hint=f"Its version may be one that is not known here. What it said is in {path.with_name(_SAID)}.",
    )


def _number(block: Any, tag: str, key: str = "value") -> float | None:
    said = block.get(tag) if isinstance(block, Mapping) else None
    number = said.get(key) if isinstance(said, Mapping) else None
    return float(number) if isinstance(number, int | float) else None


def _complaint(done: process.Completed) -> str:
    """Its first error, which the others follow from; else its last words."""
    lines = [line.strip(" │╭╮╰╯─") for line in f"{done.stdout}\n{done.stderr}".splitlines()]
    errors = [line.partition(" ERROR ")[2].strip() for line in lines if " ERROR " in line]
    return _short(errors[0] if errors else " ".join([line for line in lines if line][-5:]) or "it said nothing")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
