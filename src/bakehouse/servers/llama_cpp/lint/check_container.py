"""A container that is started: the server's arguments and variables, its image, its port and its devices."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.examined import Looked
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.settings import Word
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_arguments import check_arguments
from bakehouse.servers.llama_cpp.lint.check_environment import check_variable
from bakehouse.servers.llama_cpp.lint.check_health import check_health_path
from bakehouse.servers.llama_cpp.lint.check_listening import Listening, check_listening
from bakehouse.servers.llama_cpp.lint.check_revision import check_revisions, lowered, other_revision
from bakehouse.servers.llama_cpp.lint.check_upstream import FLOATS, check_entrypoint, check_name
from bakehouse.servers.llama_cpp.lint.containers import is_about, is_named_after, start_of, upstream_of
from bakehouse.servers.llama_cpp.lint.revisions import Kind, Revision
from bakehouse.servers.llama_cpp.lint.upstream_images import UpstreamImage

_AT_THE_TOP = re.compile(r"llama-[a-z0-9-]+|server|main")
"""Programs that were in the top folder of the project's images before."""
NEEDS_DRI = frozenset({"vulkan", "intel", "rocm", "openvino"})
_CUDA_IMAGE = re.compile(r"cuda|nvidia", re.IGNORECASE)


def check_container(run: ContainerRun, basis: Basis) -> Iterator[Finding]:
    found = _revisions(run)
    other = other_revision(found, basis.at_hand)
    yield from check_revisions(found, basis.at_hand)
    yield from _check_image(run, basis)
    yield from lowered(_check_server(run, basis), other, basis.at_hand)
    start = start_of(run)
    if start:
        yield from check_listening(
            Listening(
                start=start,
                variables=run.variables,
                ports=run.ports,
                ports_are=run.ports_are,
                health=run.health,
                health_where=run.health_where,
                shares_host_network=run.shares_host_network,
                image_is_unknown=not start.is_inherited,
            )
        )
        yield from check_health_path(run.health)
    yield from _check_hidden_cards(run)
    if run.image and run.devices_known:
        yield from _check_devices(run, run.image)


def looked_at(run: ContainerRun) -> Looked:
    start = start_of(run)
    missing = [word for word in (run.image,) if word and not word.complete]
    return Looked(
        arguments=len(start.words) if start else 0,
        variables=sum(one.name.startswith(("LLAMA_", "GGML_")) for one in run.variables),
        not_at=tuple(f"the image {word.text} of line {word.where.line}, which a variable names" for word in missing),
    )


def _revisions(run: ContainerRun) -> list[Revision]:
    upstream = upstream_of(run)
    if not run.image or not upstream or upstream.build is None:
        return []
    ref = Word(text=f"b{upstream.build}", where=run.image.where)
    return [Revision(address=run.image, ref=ref, kind=Kind.PINNED, source=False)]


def _check_server(run: ContainerRun, basis: Basis) -> Iterator[Finding]:
    start = start_of(run)
    program = (run.entrypoint or (run.image,))[0]
    other = None if start else f"what {program.text} starts" if program else "the image"
    for setting in run.variables:
        yield from check_variable(setting, basis.options, basis.knowledge, stage="run", other_program=other)
    if start:
        environment = {setting.name: setting for setting in run.variables}
        words = start.words
        if start.is_inherited and words and words[0].text.rpartition("/")[2] in ("llama-server", "server"):
            yield finding(
                words[0],
                "is taken for an argument",
                "The image's entrypoint is the server already, and its command holds arguments only. The server exits.",
                "leave it out",
            )
            words = words[1:]
        yield from check_place(start.program, upstream_of(run))
        yield from check_arguments(words, basis.options, basis.knowledge, environment)


def check_place(program: Word, upstream: UpstreamImage | None) -> Iterator[Finding]:
    """Whether a program of the project's own image is named where it is today: in /app, its working folder."""
    name = program.text.removeprefix("/")
    if upstream is None or not program.text.startswith("/") or not _AT_THE_TOP.fullmatch(name):
        return
    yield Finding(
        severity=Severity.ERROR,
        where=program.where,
        subject=program.text,
        what="is not in the image",
        why="The programs of the project's images have been in /app since December 2024.",
        instead=f"{upstream.folder}/{name}",
        by_revision=True,
    )


# ---------------------------------------------------------------------------------------------- the image


def _check_image(run: ContainerRun, basis: Basis) -> Iterator[Finding]:
    image = run.image
    if image is None or not image.complete:
        return
    for fact in basis.knowledge.images:
        if fact.concerns(image.text):
            yield fact.told(image.where, image.text)
    upstream = upstream_of(run)
    if upstream is None:
        if is_about(run) and _floats(image.text):
            yield finding(image, "is not pinned", FLOATS, "a tag that never moves, or a digest", severity=Severity.NOTE)
        return
    yield from check_name(image, upstream)
    if not run.entrypoint and not run.entrypoint_is_cleared:
        yield from check_entrypoint(image, upstream, run.command)


def _floats(reference: str) -> bool:
    name = reference.rpartition("/")[2]
    return "@" not in reference and (":" not in name or name.endswith(":latest"))


# ---------------------------------------------------------------------------------------------- cards


def _check_devices(run: ContainerRun, image: Word) -> Iterator[Finding]:
    upstream = upstream_of(run)
    if upstream is None:
        if is_named_after(run) and _CUDA_IMAGE.search(image.text) and not run.has_nvidia:
            yield _without_card(image, run.gives_cards)
        return
    yield from _check_backend(run, image, upstream)


_HIDING = {
    "NVIDIA_VISIBLE_DEVICES": frozenset({"", "none", "void"}),
    "CUDA_VISIBLE_DEVICES": frozenset({"", "-1", "none"}),
    "HIP_VISIBLE_DEVICES": frozenset({"", "-1"}),
    "ROCR_VISIBLE_DEVICES": frozenset({"", "-1"}),
    "GGML_VK_VISIBLE_DEVICES": frozenset({"", "-1"}),
}
"""Values with which no card is left."""


def _check_hidden_cards(run: ContainerRun) -> Iterator[Finding]:
    if not is_about(run):
        return
    for setting in run.variables:
        hiding = _HIDING.get(setting.name)
        if hiding and setting.complete and setting.value.strip().lower() in hiding:
            yield finding(
                setting,
                "hides every card from the server",
                "With this value none is left, and the server answers from the CPU.",
                "NVIDIA_VISIBLE_DEVICES=all" if setting.name.startswith("NVIDIA") else "leave it out",
                subject=setting.as_variable,
                severity=Severity.WARNING,
            )


def _check_backend(run: ContainerRun, image: Word, upstream: UpstreamImage) -> Iterator[Finding]:
    dri = any(one.startswith("/dev/dri") or "intel.com/" in one for one in run.devices)
    if upstream.backend == "cuda" and not run.has_nvidia:
        yield _without_card(image, run.gives_cards)
    elif upstream.backend == "rocm" and "amd.com/gpu" not in " ".join(run.devices):
        missing = [one for one in ("/dev/kfd", "/dev/dri") if not any(two.startswith(one) for two in run.devices)]
        if missing:
            yield _without_card(image, f"devices {' and '.join(missing)}")
    elif upstream.backend in NEEDS_DRI and not dri and not run.has_nvidia and upstream.backend != "rocm":
        yield _without_card(image, "the device /dev/dri (for an NVIDIA card: --gpus all)")
    yield from _check_capabilities(run, image, upstream)
    if upstream.backend == "cpu" and (run.has_nvidia or dri):
        yield finding(
            image,
            "has no backend for a card",
            "The container gets one, and the server does not use it.",
            f"{image.text}-cuda, -rocm, -vulkan or -intel",
            severity=Severity.WARNING,
        )


_PARTS = {
    "cuda": ("compute", "Without it libcuda is not brought in, and the server uses the CPU."),
    "vulkan": ("graphics", "Without it Vulkan finds no device, and the server uses the CPU."),
}
"""Of NVIDIA's driver, by backend: what NVIDIA_DRIVER_CAPABILITIES must name, and why."""


def _check_capabilities(run: ContainerRun, image: Word, upstream: UpstreamImage) -> Iterator[Finding]:
    told = next((one for one in reversed(run.variables) if one.name == "NVIDIA_DRIVER_CAPABILITIES"), None)
    part = _PARTS.get(upstream.backend)
    if part is None or not run.has_nvidia or (told is not None and not told.complete):
        return
    name, why = part
    named = set(told.value.replace(" ", "").split(",")) if told else set()
    if (told is None and upstream.backend == "cuda") or {"all", name} & named:
        return  # NVIDIA's base images name compute themselves
    yield finding(
        Word(text=told.as_variable, where=told.where) if told else image,
        f"does not ask for the {name} part of the driver",
        why,
        "NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics" if name == "graphics" else "compute,utility, or all",
    )


def _without_card(image: Word, instead: str) -> Finding:
    return finding(image, "gets no card", "No device reaches the container: the server answers from the CPU.", instead)
