"""Where a server has put a model, and what computes it, as its own log tells (llama.cpp 0c1e57098)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

VERBOSE = ("--log-verbosity", "5", "--no-log-prefix")
"""Level 4 tells of layers and buffers, level 5 of graphs."""
TELLS_GRAPHS = {"GGML_SCHED_DEBUG": "2"}
"""ggml's scheduler lists each operation of a new graph and its backend (ggml/src/ggml-backend.cpp)."""

_BEGINNING = "load_tensors: loading model tensors"
_READY = "sched_reserve: reserve took"
_OFFLOADED = re.compile(r"load_tensors: offloaded (\d+)/(\d+) layers to GPU")
_USING = re.compile(r"using device \S+ \((.*)\) \(.*\) - \d+ MiB free")
_MODEL = re.compile(r"load_tensors: +(\S+) model buffer size = +([\d.]+) MiB")
_CACHE = re.compile(r"(\S+) (?:KV|RS) buffer size = +([\d.]+) MiB")
_COMPUTE = re.compile(r"sched_reserve: +(\S+) compute buffer size = +([\d.]+) MiB")
_SPLIT = re.compile(r"## SPLIT #\d+: (\S+) # \d+ inputs")
_NODE = re.compile(r"node #\s*\d+ \(\s*([A-Z0-9_]+)\):")
_CPU_WEIGHT = re.compile(r"(\S+\.w[eight]*) \(\s*\S+\) \[\s*CPU\b")
"""The log cuts names off after 20 characters: `blk.29.ffn_down.weig`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """Where a server has put a model, and what computes it. Sizes are MiB by buffer, for example `Vulkan0`."""

    using: str | None
    """The device's own name."""
    offloaded: int
    layers: int
    """All that could be offloaded: the output layer counts. 0: no backend that could was loaded."""
    weights: Mapping[str, float]
    cache: Mapping[str, float]
    compute: Mapping[str, float]
    operations: Counter[tuple[str, str]]
    """How often a backend computed an operation, since the server was ready."""
    weights_in_memory: frozenset[str]
    """Weights that an operation read from the processor's memory."""


def placed(log: str) -> Placed:
    """Read a log. A server that fits itself to the card's memory loads twice; the last time counts."""
    using = _USING.findall(log)
    log = log[log.rfind(_BEGINNING) :] if _BEGINNING in log else log
    found = _OFFLOADED.search(log)
    work = log[log.rfind(_READY) :] if _READY in log else ""
    return Placed(
        using=using[-1] if using else None,
        offloaded=int(found[1]) if found else 0,
        layers=int(found[2]) if found else 0,
        weights=_sizes(_MODEL, log),
        cache=_sizes(_CACHE, log),
        compute=_sizes(_COMPUTE, log),
        operations=_operations(work),
        weights_in_memory=frozenset(_CPU_WEIGHT.findall(work)),
    )


def _sizes(pattern: re.Pattern[str], log: str) -> dict[str, float]:
    sizes: dict[str, float] = {}
    for name, size in pattern.findall(log):
        sizes[name] = sizes.get(name, 0.0) + float(size)
    return sizes


def _operations(log: str) -> Counter[tuple[str, str]]:
    backend, found = "", Counter[tuple[str, str]]()
    for line in log.splitlines():
        if split := _SPLIT.search(line):
            backend = split[1]
        elif node := _NODE.search(line):
            found[backend, node[1]] += 1
    return found
