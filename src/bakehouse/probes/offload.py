"""The accelerator really runs the model, by what the server's own log says (servers/device_log.py).

A server whose plugin does not load, or whose card is not visible, may serve on the processor without a word. So an
answer proves nothing here. The number of offloaded layers says what was asked for. What was done is shown by the
buffers, and by the operations of each graph, which a verbose server lists with the backend that computes them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from bakehouse.engine.container import Finished, last_lines
from bakehouse.model.enums import AcceleratorName
from bakehouse.probes import ProbeFailed
from bakehouse.servers.device_log import DeviceLog, ModelPlacement

_TOLERANCE = 0.9
_DRIVERS_WORDS = re.compile(
    r"^.*(?:failed to initialize|No devices found|no SYCL device|Invalid device).*$", re.MULTILINE
)


_SOFTWARE = re.compile(r"llvmpipe|lavapipe|softpipe|swiftshader", re.IGNORECASE)


def sees_device(
    listed: Finished, log: DeviceLog, accelerator: AcceleratorName, *, device: str, is_software: bool = False
) -> str:
    """The list of devices names one of the backend. Returns its line; `device` is what the container was given.

    Vulkan's driver in software is in the image beside those of cards, and is no card.
    """
    backend, said = log.words[accelerator], listed.output
    if listed.exit_code != 0:
        raise ProbeFailed(f"{log.list_arguments[-1]} ended with status {listed.exit_code}:\n{last_lines(said)}")
    lines = [line for line in log.devices(said) if re.match(rf"{backend}\d+: ", line)]
    found = next((line for line in lines if is_software or not _SOFTWARE.search(line)), None)
    if lines and not found:
        raise ProbeFailed(
            f"the server sees a driver in software alone ({lines[0]}), although the container has {device}",
            hint=_WHY_NO_DEVICE[accelerator],
        )
    if found:
        return found
    if backend not in log.plugins(said):
        raise ProbeFailed(
            f"the server did not load its {backend} plugin, so that it would run on the CPU without a word",
            hint=log.advice.no_plugin[accelerator],
        )
    words = _DRIVERS_WORDS.findall(said)
    last = f"; it says: {words[-1].strip()}" if words else ""
    raise ProbeFailed(
        f"the server loaded its {backend} plugin and sees no {backend} device, although the container has {device}"
        f"{last}",
        hint=_WHY_NO_DEVICE[accelerator],
    )


def offloads_layers(model: ModelPlacement, log: DeviceLog, accelerator: AcceleratorName) -> str:
    """All layers are on the card, the output layer too."""
    backend = log.words[accelerator]
    if not model.layers or not _on(backend, model.weights):
        what = (
            f"{model.offloaded} of {model.layers} layers are on the GPU" if model.layers else "no layer is on the GPU"
        )
        raise ProbeFailed(
            f"{what}: the model runs on the CPU ({_list(model.weights)})",
            hint=f"If the device is visible, an argument or a variable says so: {log.advice.no_layer}.",
        )
    if model.offloaded < model.layers:
        raise ProbeFailed(
            f"{model.offloaded} of {model.layers} layers are on the GPU ({_list(model.weights)})",
            hint=log.advice.few_layers,
        )
    return f"{model.offloaded} of {model.layers} layers on {_names(backend, model.weights)} ({_list(model.weights)})"


def keeps_cache(model: ModelPlacement, log: DeviceLog, accelerator: AcceleratorName) -> str:
    """The KV cache is on the card; decoding would copy it for every token."""
    _nowhere_else(model.cache, log.words[accelerator], what="KV cache", why=log.advice.no_cache)
    return f"KV cache: {_list(model.cache)}"


def has_compute_buffer(model: ModelPlacement, log: DeviceLog, accelerator: AcceleratorName) -> str:
    """Results between layers stay on the card; what is in memory beside is pinned for transfers (`Vulkan_Host`)."""
    backend = log.words[accelerator]
    pinned = {name: size for name, size in model.compute.items() if not name.startswith(backend)}
    if pinned or not _on(backend, model.compute):
        raise ProbeFailed(
            f"results between layers are not kept on the GPU: {_list(model.compute)}",
            hint="Some layers or operations run on the CPU; the other tests of this probe say which.",
        )
    return f"compute buffers: {_list(model.compute)}"


def computes(model: ModelPlacement, log: DeviceLog, accelerator: AcceleratorName) -> str:
    """Each operation of the graphs that answered a request was computed by the card's backend."""
    backend = log.words[accelerator]
    on_card, elsewhere = 0, Counter[str]()
    for (where, operation), count in model.operations.items():
        if where.startswith(backend):
            on_card += count
        elif operation not in log.looked_up:
            elsewhere[operation] += count
    if not model.operations:
        raise ProbeFailed(
            "the server's log names no operation, so that it is unknown what computes them",
            hint=log.advice.unread,
        )
    total = model.operations.total()
    if elsewhere:
        names = ", ".join(f"{count} {name}" for name, count in elsewhere.most_common())
        raise ProbeFailed(
            f"{elsewhere.total()} of {total} operations fell back to the CPU: {names}",
            hint="The backend cannot compute them on this card, or their weights are not on it.",
        )
    left = model.weights_in_memory - log.kept_in_memory
    if left:
        raise ProbeFailed(
            f"weights are read from the processor's memory: {', '.join(sorted(left))}",
            hint=f"Is there an {log.advice.weights}?",
        )
    return f"{on_card} of {total} operations on {backend}, the others look up token embeddings"


def says_device(model: ModelPlacement, *, expected: str, is_software: bool) -> str:
    """Name the device that computes. Software where a card was given is a fallback inside the driver."""
    name = model.using
    if name is None:
        raise ProbeFailed(
            f"the server uses no device, although the container has {expected}",
            hint="It runs on the CPU; test_sees_the_device says why it sees none.",
        )
    if not is_software and _SOFTWARE.search(name):
        raise ProbeFailed(
            f"{name} computes: a driver in software, although the container has {expected}",
            hint="The card's own Vulkan driver is missing in the image or could not open the card.",
        )
    return f"{name} computes" + (
        ": the processor plays a GPU; its rates say nothing of any card" if is_software else ""
    )


def agrees(model: ModelPlacement, log: DeviceLog, accelerator: AcceleratorName, *, held: int | None) -> str:
    """The card's driver says that the process holds what its log claims to have put there."""
    claimed = sum(
        size
        for sizes in (model.weights, model.cache, model.compute)
        for name, size in sizes.items()
        if name in _on(log.words[accelerator], sizes)
    )
    if held is None:
        return f"the log claims {claimed:.0f} MiB; the driver does not say what the process holds"
    if held < claimed * _TOLERANCE * 2**20:
        raise ProbeFailed(
            f"the server claims {claimed:.0f} MiB of the card's memory, and the driver knows of {held / 2**20:.0f} MiB",
            hint="Does it run on another card than the one that it was given? Compare nvidia-smi or amd-smi.",
        )
    return f"the driver says that it holds {held / 2**20:.0f} MiB of the card, and the log {claimed:.0f} MiB"


# ---------------------------------------------------------------------------------------------- words

_WHY_NO_DEVICE = {
    AcceleratorName.CUDA: "Compare nvidia-smi on the machine: is the driver as new as the toolkit needs? `plan "
    "--driver VERSION` says what a driver runs.",
    AcceleratorName.ROCM: "Has the container /dev/kfd and the card's /dev/dri/renderD*, and their groups? Does the "
    "image hold code for the card's gfx arch?",
    AcceleratorName.XPU: "Has the container the card's /dev/dri/renderD* and its group? Is the compute runtime "
    "(libze-intel-gpu1) in the image new enough for the card?",
    AcceleratorName.VULKAN: "Has the image the card's Vulkan driver (mesa-vulkan-drivers; NVIDIA's comes with the "
    "capability `graphics`, for which the image asks in NVIDIA_DRIVER_CAPABILITIES), and the container its "
    "/dev/dri/renderD* and group?",
}


def _on(backend: str, sizes: Mapping[str, float]) -> list[str]:
    return [name for name in sizes if re.fullmatch(rf"{backend}\d+", name)]


def _names(backend: str, sizes: Mapping[str, float]) -> str:
    return ", ".join(_on(backend, sizes))


def _nowhere_else(sizes: Mapping[str, float], backend: str, *, what: str, why: str) -> None:
    elsewhere = set(sizes) - set(_on(backend, sizes))
    if elsewhere or not sizes:
        raise ProbeFailed(
            f"the {what} is not on the GPU: {_list(sizes) or 'the log names none'}",
            hint=f"Are all layers offloaded? Is there a {why}?",
        )


def _list(sizes: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {size:g} MiB" for name, size in sizes.items())
