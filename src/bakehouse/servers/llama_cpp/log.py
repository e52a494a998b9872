"""What llama-server's log says of devices, plugins, layers and operations, as llama.cpp 0c1e57098 writes it.

This module is a `DeviceLog`.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath

from bakehouse.model.enums import AcceleratorName
from bakehouse.servers.device_log import ModelPlacement, PlacementAdvice

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
_LOADED = re.compile(r"load_backend: loaded (\S+) backend from (\S+)")
_DEVICE = re.compile(r"^  (\S+): (.+)$", re.MULTILINE)

_NO_PLUGIN = {
    AcceleratorName.CUDA: "libggml-cuda.so is not beside the program, or it misses a library: cuBLAS in the image, or "
    "the driver's libcuda.so.1, which the NVIDIA Container Toolkit brings in.",
    AcceleratorName.ROCM: "libggml-hip.so is not beside the program, or it misses a library of ROCm in the image: see "
    "the proof `linkage`.",
    AcceleratorName.XPU: "libggml-sycl.so is not beside the program, or it misses a library of oneAPI in the image: "
    "see the proof `linkage`.",
    AcceleratorName.VULKAN: "libggml-vulkan.so is not beside the program, or libvulkan.so.1 is not in the image, or "
    "there is no Vulkan driver at all in it (mesa-vulkan-drivers).",
}


words = {
    AcceleratorName.CUDA: "CUDA",
    AcceleratorName.ROCM: "ROCm",
    AcceleratorName.XPU: "SYCL",
    AcceleratorName.VULKAN: "Vulkan",
}
"""As ggml calls them."""
list_arguments = ("--list-devices",)
verbose_list_arguments = ("--log-verbosity", "5", "--list-devices")
verbose_arguments = ("--log-verbosity", "5", "--no-log-prefix")
"""Level 4 tells of layers and buffers, level 5 of graphs."""
verbose_environment = {"GGML_SCHED_DEBUG": "2"}
"""ggml's scheduler lists each operation of a new graph and its backend (ggml/src/ggml-backend.cpp)."""
looked_up = frozenset({"GET_ROWS"})
"""A row of the token embeddings is looked up where they lie, which is in memory."""
kept_in_memory = frozenset({"token_embd.weight"})
"""llama.cpp leaves them in memory on purpose (src/llama-model.cpp): looking up a row there costs nothing, and on the
card they would take megabytes for nothing."""
advice = PlacementAdvice(
    no_plugin=_NO_PLUGIN,
    no_layer="--n-gpu-layers in probes.args, LLAMA_ARG_N_GPU_LAYERS or LLAMA_ARG_DEVICE in the image",
    few_layers="--n-gpu-layers is too low, or the card's free memory: the server fits itself to what there is.",
    no_cache="--no-kv-offload or LLAMA_ARG_NO_KV_OFFLOAD",
    weights="--override-tensor, --cpu-moe or --n-cpu-ffn in probes.args",
    unread="llama.cpp writes another log than at revision 0c1e57098: mend servers/llama_cpp/log.py.",
)


def devices(output: str) -> list[str]:
    return [f"{name}: {what}" for name, what in _DEVICE.findall(output.partition("Available devices:")[2])]


def plugins(log: str) -> dict[str, str]:
    return {backend: PurePosixPath(path).name for backend, path in _LOADED.findall(log)}


def placed(log: str) -> ModelPlacement:
    """A server that fits itself to the card's memory loads twice; the last time counts."""
    using = _USING.findall(log)
    log = log[log.rfind(_BEGINNING) :] if _BEGINNING in log else log
    found = _OFFLOADED.search(log)
    work = log[log.rfind(_READY) :] if _READY in log else ""
    return ModelPlacement(
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
