"""Manifests of Kubernetes: each container of a pod as the container that an engine would start.

A container's `command` is the image's entrypoint, its `args` the image's command.
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bakehouse.config.yaml_document import Document, KeyPath, parse
from bakehouse.errors import InputError, Where
from bakehouse.lint.compose_file import ComposeFile, ComposeLayer, Node
from bakehouse.lint.container_run import ContainerRun, RunMount
from bakehouse.lint.settings import Setting, Word

_SEPARATOR = re.compile(r"(?m)^---(?:[ \t][^\n]*)?$")
_REFERENCE = re.compile(r"\$\((?P<name>[A-Za-z_][A-Za-z0-9_.-]*)\)")
_TEMPLATE = re.compile(r"\{\{.*\}\}")
_SHM = "/dev/shm"  # noqa: S108 - in the container
_NVIDIA = "nvidia.com/"
CARDS = ("nvidia.com/", "amd.com/", "gpu.intel.com/", "habana.ai/", "intel.com/")
"""Beginnings of the names of resources that are cards."""


class KubernetesManifest(ComposeFile):
    """One document, read like a compose file but for `${NAME}`, which Kubernetes leaves as it is."""

    def fill(self, text: str, where: Where) -> tuple[str, bool]:  # noqa: ARG002 - the base's shape
        return text, not _REFERENCE.search(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class PodContainer:
    """One container of a pod."""

    name: str
    node: Node
    run: ContainerRun
    is_init: bool
    """Whether it has to end before the others start."""
    pod: Node
    claims: frozenset[str]
    """Volumes that a StatefulSet makes for it."""


def is_kubernetes(text: str) -> bool:
    return bool(re.search(r"(?m)^apiVersion:\s*\S", text) and re.search(r"(?m)^kind:\s*\S", text))


def read_manifests(text: str, *, file: str) -> tuple[KubernetesManifest, ...]:
    """Each document, with the lines of the whole file. Raises InputError for what is no YAML."""
    if _TEMPLATE.search(text):
        hint = "`helm template` renders it, or the tool that it belongs to; what that prints can be linted."
        raise InputError("a template cannot be linted", hint=hint, where=Where(file=file))
    lines = text.splitlines()
    return tuple(KubernetesManifest(document=one, lines=lines, environ={}) for one in _documents(text, file))


def _documents(text: str, file: str) -> Iterator[Document]:
    begin = 0
    for end in (*(found.start() for found in _SEPARATOR.finditer(text)), len(text)):
        part = text[begin:end]
        body = _SEPARATOR.sub("", part, count=1) if begin else part
        if any(line.strip() and not line.lstrip().startswith("#") for line in body.splitlines()):
            yield parse("\n" * text.count("\n", 0, begin) + body, file=file)
        begin = end


def containers(manifests: Sequence[KubernetesManifest]) -> Iterator[PodContainer]:
    """Of every pod, whatever makes it: a Deployment, a Job, a custom resource with a pod's template in it."""
    targets = [*_services(manifests)]
    for manifest in manifests:
        for value, path in _pods(manifest.document.value, ()):
            pod = Node(file=manifest, layers=(ComposeLayer(value, path),))
            labels = _labels(manifest.document.value, path)
            ports = [port for selector, port in targets if selector and selector.items() <= labels.items()]
            for key in ("containers", "initContainers"):
                for node in pod.nodes(key):
                    yield _container(pod, node, ports, is_init=key == "initContainers")


def _pods(value: Any, path: KeyPath) -> Iterator[tuple[Mapping[str, Any], KeyPath]]:
    """Every mapping with containers in it."""
    if isinstance(value, Mapping):
        found = value.get("containers")
        if isinstance(found, list) and any(isinstance(one, Mapping) and "image" in one for one in found):
            yield value, path
            return
        for key, one in value.items():
            yield from _pods(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _pods(one, (*path, index))


def _labels(value: Any, path: KeyPath) -> dict[str, str]:
    """Of the pod: `metadata.labels` beside its `spec`."""
    for key in path[:-1]:
        value = value[key]
    metadata = value.get("metadata") if isinstance(value, Mapping) else None
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    return {key: str(one) for key, one in labels.items()} if isinstance(labels, Mapping) else {}


def _services(manifests: Sequence[KubernetesManifest]) -> Iterator[tuple[dict[str, str], Word]]:
    """The selector of each Service, with each port of a container that it leads to."""
    for manifest in manifests:
        value = manifest.document.value
        if (
            not isinstance(value, Mapping)
            or value.get("kind") != "Service"
            or not isinstance(value.get("spec"), Mapping)
        ):
            continue
        spec = Node(file=manifest, layers=(ComposeLayer(value["spec"], ("spec",)),))
        selector = value["spec"].get("selector")
        for one in spec.nodes("ports"):
            target = one.word("targetPort") or one.word("port")
            if target and isinstance(selector, Mapping):
                yield {key: str(label) for key, label in selector.items()}, target


# ---------------------------------------------------------------------------------------------- one container


def _container(pod: Node, node: Node, targets: Sequence[Word], *, is_init: bool) -> PodContainer:
    name = node.word("name")
    variables = tuple(_variables(node))
    known = {one.name: one.value for one in variables if one.complete}
    named = _named_ports(node)
    own = [*named.values()]
    led = [replace(word, text=named[word.text].text) if word.text in named else word for word in targets]
    limits = _resources(node)
    devices = tuple(resource for resource in limits if resource.startswith(CARDS))
    probe = _probe(node, named)
    run = ContainerRun(
        image=node.word("image"),
        entrypoint=tuple(_filled(node.command_line("command"), known)),
        command=tuple(_filled(node.command_line("args"), known)),
        variables=variables,
        ports=tuple(dict.fromkeys(led)) or tuple(own),
        ports_are="targetPort" if led else "containerPort",
        devices=devices,
        has_nvidia=any(one.startswith(_NVIDIA) for one in devices),
        devices_known=not is_init and not _may_have_cards(pod, node),
        health=probe,
        health_where=probe[0].where if probe else node.where,
        shares_host_network=_is_true(pod, "hostNetwork"),
        mounts=tuple(_mounts(node)),
        files_known=True,
        cards=_whole(limits),
        shares_memory=any(mount.target == _SHM for mount in _mounts(node)) or _is_true(pod, "hostIPC"),
        must_be_nonroot=_nonroot(pod, node),
        gives_cards="resources.limits: {nvidia.com/gpu: 1}",
        gives_memory=f"a volume emptyDir: {{medium: Memory}}, mounted at {_SHM}",
    )
    claims = frozenset(_claims(pod.file.document.value))
    return PodContainer(name=name.text if name else "?", node=node, run=run, is_init=is_init, pod=pod, claims=claims)


def _claims(value: Any) -> Iterator[str]:
    spec = value.get("spec") if isinstance(value, Mapping) else None
    claims = spec.get("volumeClaimTemplates") if isinstance(spec, Mapping) else None
    for one in claims if isinstance(claims, list) else ():
        metadata = one.get("metadata") if isinstance(one, Mapping) else None
        if isinstance(metadata, Mapping):
            yield str(metadata.get("name"))


def service_names(manifests: Sequence[KubernetesManifest]) -> Iterator[str]:
    for manifest in manifests:
        value = manifest.document.value
        metadata = value.get("metadata") if isinstance(value, Mapping) and value.get("kind") == "Service" else None
        if isinstance(metadata, Mapping):
            yield str(metadata.get("name"))


def _variables(node: Node) -> Iterator[Setting]:
    for one in node.nodes("env"):
        name, value = one.word("name"), one.word("value")
        if name is not None:
            text = value.text if value else ""
            yield Setting(name=name.text, value=text, where=one.where, complete=bool(value and value.complete))


def _filled(words: Sequence[Word], known: Mapping[str, str]) -> Iterator[Word]:
    """`$(NAME)` is what the container's own variable says."""
    for word in words:
        text = _REFERENCE.sub(lambda found: known.get(found["name"], found[0]), word.text)
        yield replace(word, text=text, complete=not _REFERENCE.search(text))


def _named_ports(node: Node) -> dict[str, Word]:
    found: dict[str, Word] = {}
    for index, one in enumerate(node.nodes("ports")):
        number, name = one.word("containerPort"), one.word("name")
        if number is not None:
            found[name.text if name else str(index)] = number
    return found


_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def _probe(node: Node, named: Mapping[str, Word]) -> tuple[Word, ...]:
    """What the first probe asks: over HTTP, as an address; else the words of its command."""
    for probe in (one for key in _PROBES if (one := node.node(key))):
        asked, program = probe.node("httpGet"), probe.node("exec")
        if program:
            return program.command_line("command")
        port = asked.word("port") if asked else None
        number = named[port.text].text if port and port.text in named else port.text if port else ""
        if asked and port and number.isdigit():
            path = asked.word("path")
            return (Word(text=f"http://localhost:{number}{path.text if path else '/'}", where=port.where),)
    return ()


def _resources(node: Node) -> dict[str, str]:
    resources = node.node("resources")
    limits = resources.node("limits") if resources else None
    names = limits.keys() if limits else ()
    return {key: word.text for key in names if limits and (word := limits.word(key))}


def _whole(limits: Mapping[str, str]) -> int | None:
    numbers = [int(one) for key, one in limits.items() if key.startswith(CARDS) and one.isdigit()]
    return sum(numbers) if numbers else None


def _may_have_cards(pod: Node, node: Node) -> bool:
    """By another way than a limit: a runtime class, dynamic allocation, a privileged container."""
    resources = node.node("resources")
    context = node.node("securityContext")
    return (
        pod.find("runtimeClassName") is not None
        or pod.find("resourceClaims") is not None
        or (resources is not None and resources.find("claims") is not None)
        or (context is not None and _is_true(context, "privileged"))
    )


def _is_true(node: Node, key: str) -> bool:
    word = node.word(key)
    return word is not None and word.text.lower() == "true"


def _nonroot(pod: Node, node: Node) -> Word | None:
    """Where `runAsNonRoot` stands, if nothing says which user it is to be. A container's own word comes first."""
    contexts = [one for one in (node.node("securityContext"), pod.node("securityContext")) if one]
    if any(one.find("runAsUser") is not None for one in contexts):
        return None
    told = next((word for one in contexts if (word := one.word("runAsNonRoot"))), None)
    return told if told and told.text.lower() == "true" else None


def _mounts(node: Node) -> Iterator[RunMount]:
    """A volume of any kind hides what the image has at its place."""
    for one in node.nodes("volumeMounts"):
        target = one.word("mountPath")
        if target is not None:
            yield RunMount(
                word=target, target=target.text if target.complete else None, is_bind=one.find("subPath") is None
            )
