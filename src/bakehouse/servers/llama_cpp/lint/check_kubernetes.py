"""Manifests of Kubernetes: each container by the rules for any container, and what only a cluster refuses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bakehouse.errors import InputError, Where
from bakehouse.lint.compose_file import Node
from bakehouse.lint.examined import Examined, Looked
from bakehouse.lint.finding import Finding, Severity, finding, in_order
from bakehouse.lint.kubernetes import KubernetesManifest, PodContainer, containers, service_names
from bakehouse.lint.settings import Word
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_any_service import check_any_service, check_cards
from bakehouse.servers.llama_cpp.lint.check_container import check_container, looked_at
from bakehouse.servers.llama_cpp.lint.check_mounts import check_mounts
from bakehouse.servers.llama_cpp.lint.containers import is_about, upstream_of
from bakehouse.servers.others.check_container import check_container as check_any_container
from bakehouse.servers.others.check_pod import check_pod
from bakehouse.servers.others.started import looked_at as others_looked_at
from bakehouse.servers.others.started import started_by

_PROBES = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/"
PATIENCE = 120
"""Seconds that a model takes to load at least, from a disk that others use, too."""


def check_kubernetes(manifests: Sequence[KubernetesManifest], basis: Basis, *, file: str, kinds: str) -> Examined:
    """Raises InputError where no pod is in it."""
    findings: list[Finding] = []
    looked, seen, names = Looked(), False, frozenset(service_names(manifests))
    for one in containers(manifests):
        seen = True
        findings += check_cards(one.run)
        findings += check_any_container(one.run, is_upstream=upstream_of(one.run) is not None)
        findings += check_pod(one, names)
        serves = is_about(one.run) or started_by(one.run) is not None
        if is_about(one.run):
            findings += check_container(one.run, basis)
            findings += check_mounts(one.run)
            looked += looked_at(one.run)
        else:
            findings += check_any_service(one.run, basis)
            looked += _looked_at_other(one)
        if serves and not one.is_init:
            findings += _check_liveness(one.node)
    if not seen:
        raise InputError(f"{kinds} starts no container", hint=_HINT, where=Where(file=file))
    return Examined(file=file, findings=in_order(findings), looked=looked, kind="manifest of Kubernetes")


_HINT = "A pod, or what makes pods, can be linted: a Deployment, a StatefulSet, a Job."


def _looked_at_other(one: PodContainer) -> Looked:
    started = started_by(one.run)
    if started is None:
        return Looked(not_at=(f"container {one.name}, of whose server nothing is known",))
    return others_looked_at(started)


def _check_liveness(node: Node) -> Iterator[Finding]:
    """A probe that ends the container while the model is still being loaded, again and again."""
    probe = node.node("livenessProbe")
    if probe is None or node.find("startupProbe") is not None or probe.find("httpGet") is None:
        return
    allowed = _number(probe, "initialDelaySeconds", 0)
    allowed += _number(probe, "periodSeconds", 10) * _number(probe, "failureThreshold", 3)
    if allowed < PATIENCE:
        yield finding(
            Word(text="livenessProbe", where=node.where_of("livenessProbe")),
            f"ends the server after {allowed} s, also while it loads its model",
            "Until the model is loaded the server does not answer with 200: a large one is never ready.",
            "a startupProbe with periodSeconds 10 and failureThreshold 60",
            severity=Severity.WARNING,
            link=_PROBES,
        )


def _number(node: Node, key: str, default: int) -> int:
    word = node.word(key)
    return int(word.text) if word and word.text.isdigit() else default
