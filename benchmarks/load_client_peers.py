"""Other load clients, as load_client.py runs them: each in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakehouse.errors import InfrastructureError
from bakehouse.system import process

TIMEOUT = 240.0
INSTALL_TIMEOUT = 1800.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One load: `users` streams of `tokens` tokens, one each, at the same time."""

    url: str
    users: int
    tokens: int
    folder: Path
    """For what the client writes; empty."""
    tokenizer: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """What a client says it measured, by our definitions. Seconds, and tokens a second. None: it does not say."""

    ttft: float | None
    tpot: float | None
    system_rate: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A client that is installed."""

    python: Path
    run: Callable[[Path, Asked], Reported]


def aiperf(python: Path, asked: Asked) -> Reported:
    """NVIDIA's; its processes and its terminal page are counted with it."""
    words = [
        *("profile", "--model", "mock", "--url", asked.url, "--endpoint-type", "chat", "--streaming"),
        *("--concurrency", str(asked.users), "--request-count", str(asked.users), "--ui", "none"),
        *("--tokenizer", str(asked.tokenizer), "--use-server-token-count"),
        *("--isl", "16", "--osl", str(asked.tokens), "--extra-inputs", f"max_tokens:{asked.tokens}"),
        *("--output-artifact-dir", str(asked.folder / "out")),
    ]
    _run([str(python.with_name("aiperf")), *words], asked)
    said = _json(asked.folder / "out", "profile_export*aiperf.json")
    each = said.get("inter_token_latency")  # (end - first token) / (n - 1), which we call TPOT
    return Reported(
        ttft=said["time_to_first_token"]["p50"] / 1000,
        tpot=each["p50"] / 1000 if each else None,
        system_rate=said["output_token_throughput"]["avg"],
    )


def guidellm(python: Path, asked: Asked) -> Reported:
    """Its `time_per_output_token` divides (end - start) by n; `inter_token_latency` is our TPOT."""
    out = asked.folder / "out"
    out.mkdir()
    words = [
        *("run", "--backend", f"kind=openai_http,target={asked.url},model=mock"),
        *("--profile", f"kind=concurrent,streams={asked.users}"),
        *("--constraint", f"kind=max_requests,count={asked.users}"),
        *("--tokenizer", f"kind=hf_auto,model={asked.tokenizer}"),
        *("--data", f"kind=synthetic_text,prompt_tokens=16,output_tokens={asked.tokens}"),
        *("--output", f"kind=json,path={out / 'guidellm.json'}", "--disable-console"),
    ]
    _run([str(python.with_name("guidellm")), *words], asked, offline=True)
    metrics = _json(out, "*.json")["benchmarks"][0]["metrics"]

    def successful(name: str, what: str) -> float:
        return float(metrics[name]["successful"][what])

    return Reported(
        ttft=successful("time_to_first_token_ms", "median") / 1000,
        tpot=successful("inter_token_latency_ms", "median") / 1000,
        system_rate=successful("output_tokens_per_second", "mean"),
    )


VLLM_DRIVER = """
import asyncio, importlib.util, json, statistics, sys, time
file, url, users, tokens = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
spec = importlib.util.spec_from_file_location("endpoint_request_func", file)
module = importlib.util.module_from_spec(spec)
sys.modules["endpoint_request_func"] = module
spec.loader.exec_module(module)
import aiohttp

async def main():
    def request():
        return module.RequestFuncInput(
            prompt="How is bread made?", api_url=url + "/v1/chat/completions", prompt_len=4, output_len=tokens,
            model="mock", model_name="mock", ignore_eos=True,
        )
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=3600)
    async with aiohttp.ClientSession(connector=connector, trust_env=True, timeout=timeout) as session:
        ask = module.async_request_openai_chat_completions
        begun = time.perf_counter()
        outputs = await asyncio.gather(*(ask(request(), session=session) for _ in range(users)))
        wall = time.perf_counter() - begun
    bad = [output.error for output in outputs if not output.success]
    if bad:
        sys.exit(bad[0])
    print(json.dumps({
        "ttft": statistics.median(output.ttft for output in outputs),
        "tpot": statistics.median((output.latency - output.ttft) / (output.output_tokens - 1) for output in outputs),
        "system_rate": sum(output.output_tokens for output in outputs) / wall,
    }))

asyncio.run(main())
"""


def vllm(python: Path, asked: Asked) -> Reported:
    """The request function of `vllm bench serve`, all requests at once, and no more of it."""
    file = next(python.parents[1].glob("lib/python*/site-packages/vllm/benchmarks/lib/endpoint_request_func.py"))
    words = ["-c", VLLM_DRIVER, str(file), asked.url, str(asked.users), str(asked.tokens)]
    return Reported(**json.loads(_run([str(python), *words], asked).stdout))


def _installed(run: Callable[[Path, Asked], Reported]) -> Callable[[Path], Peer | None]:
    def find(home: Path) -> Peer | None:
        python = home / "bin/python"
        return Peer(python=python, run=run) if (home / "installed").exists() and python.exists() else None

    return find


PEERS: dict[str, Callable[[Path], Peer | None]] = {
    "aiperf": _installed(aiperf),
    "guidellm": _installed(guidellm),
    "vllm": _installed(vllm),
}

_STEPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "aiperf": (("aiperf",),),
    "guidellm": (("guidellm[recommended]",),),
    "vllm": (("--no-deps", "vllm"), ("aiohttp", "regex", "tqdm")),
}
"""What pip is told, call by call."""


def install(name: str, home: Path, *, say: Callable[[str], None]) -> None:
    """Install a peer; says why when it cannot be."""
    folder = home / name
    if (folder / "installed").exists():
        return
    say(f"installing {name} in {folder}")
    try:
        process.run([sys.executable, "-m", "venv", str(folder)], timeout=INSTALL_TIMEOUT)
        for words in _STEPS[name]:
            process.run([str(folder / "bin/pip"), "install", "--quiet", *words], timeout=INSTALL_TIMEOUT)
    except InfrastructureError as error:
        say(f"{name} cannot be installed: {error}")
        return
    (folder / "installed").write_text("", encoding="utf-8")


def tokenizer(folder: Path) -> None:
    """Write a tokenizer that knows the 256 bytes and nothing else: peers want one, and need not ask a hub for it.

    The mock server counts tokens itself; prompts come out longer than asked for, which matters to nobody here.
    """
    folder.mkdir()
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = [chr(code) for code in plain] + [chr(0x100 + number) for number in range(256 - len(plain))]
    document: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": 256,
                "content": "<end>",
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {letter: number for number, letter in enumerate([*letters, "<end>"])},
            "merges": [],
        },
    }
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<end>", "bos_token": "<end>"}
    (folder / "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")


def _run(words: Sequence[str], asked: Asked, *, offline: bool = False) -> process.Completed:
    """Run a peer with a home of its own. (aiperf takes a local tokenizer only when it is not told to be offline.)"""
    home = asked.folder / "home"
    home.mkdir()
    environ = {**os.environ, "HOME": str(home), "NO_COLOR": "1", "TQDM_DISABLE": "1"}
    if offline:
        environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return process.run(words, env=environ, cwd=asked.folder, timeout=TIMEOUT)


def _json(folder: Path, pattern: str) -> dict[str, Any]:
    path = next(iter(sorted(folder.rglob(pattern))), None)
    if path is None:
        raise InfrastructureError(f"it wrote no {pattern}")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
