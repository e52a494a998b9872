"""Compose files: each service of llama.cpp, as the container that it starts and the image that it builds."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bakehouse.config.yaml_document import parse
from bakehouse.errors import InputError, InputErrors
from bakehouse.lint.compose_file import ComposeFile, Node
from bakehouse.lint.container_file import Contents
from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.examined import Examined, Looked, Read
from bakehouse.lint.finding import Finding, Severity, finding, in_order
from bakehouse.lint.server_start import setting_of
from bakehouse.lint.swap_file import is_swap, read_swap
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_any_service import check_any_service, check_cards
from bakehouse.servers.llama_cpp.lint.check_compose_build import check_build
from bakehouse.servers.llama_cpp.lint.check_container import check_container, looked_at
from bakehouse.servers.llama_cpp.lint.check_dockerfile import check_dockerfile
from bakehouse.servers.llama_cpp.lint.check_listening import PORT
from bakehouse.servers.llama_cpp.lint.check_mounts import check_mounts
from bakehouse.servers.llama_cpp.lint.check_swap import check_swap
from bakehouse.servers.llama_cpp.lint.compose_services import (
    TEST_FORMS,
    ComposeService,
    builds_upstream,
    inline_dockerfile,
    read_service,
    reservations,
    text_of,
)
from bakehouse.servers.llama_cpp.lint.containers import is_about, start_of, upstream_of
from bakehouse.servers.others.check_container import check_container as check_any_container
from bakehouse.servers.others.check_together import Member, check_together, health_of
from bakehouse.servers.others.started import looked_at as others_looked_at
from bakehouse.servers.others.started import started_by


def check_compose(file: ComposeFile, basis: Basis, *, read: Read) -> Examined:
    """Findings in the order of the file, and which services were not looked at."""
    findings = [*_check_top(file)]
    looked = Looked()
    members: dict[str, Member] = {}
    for name, node in file.services.items():
        service = read_service(name, node, read)
        builds_llama = any(is_about_llama(one) for one in service.dockerfile) or builds_upstream(node)
        members[name] = _member(service)
        findings += check_cards(service.run)
        findings += check_any_container(service.run, is_upstream=upstream_of(service.run) is not None)
        findings += _check_devices(node)
        findings += _check_names(node)
        findings += _check_comments(node)
        if not (is_about(service.run) or builds_llama):
            findings += check_any_service(service.run, basis)
            looked += _looked_at_other(name, service.run)
            continue
        findings += check_container(service.run, basis)
        findings += _check_health(node, service.run)
        findings += check_mounts(service.run)
        findings += check_build(node, service.dockerfile, basis)
        if inline := _check_inline(node, file.document.file, basis):
            findings += inline.findings
            looked += inline.looked
        looked += looked_at(service.run) + Looked(not_at=service.missing)
    findings += check_together(file, members)
    for text in _inline_configs(file):
        swap = check_swap(read_swap(parse(text, file=file.document.file), text), basis)
        findings += swap.findings
        looked += swap.looked
    unknown = tuple(
        f"${{{name}}} of line {where.line}, which has no value here" for name, where in file.unknown.items()
    )
    looked += Looked(not_at=unknown)
    return Examined(file=file.document.file, findings=in_order(findings), looked=looked, kind="compose file")


def _inline_configs(file: ComposeFile) -> Iterator[str]:
    """Configurations of llama-swap that stand in the file itself, at their lines."""
    configs = file.document.value.get("configs")
    for name, one in configs.items() if isinstance(configs, Mapping) else ():
        content = one.get("content") if isinstance(one, Mapping) else None
        if isinstance(content, str) and re.search(r"^models:", content, re.MULTILINE):
            line = file.where(("configs", name, "content")).line or 0
            text = "\n" * line + content.replace("$$", "$")
            with contextlib.suppress(InputError, InputErrors):
                if is_swap(parse(text, file=file.document.file).value):
                    yield text


def _member(service: ComposeService) -> Member:
    stages = service.dockerfile
    own = stages[-1].health is not None if stages and len(stages) == 1 else None
    return Member(
        node=service.node,
        run=service.run,
        port=_port(service.run),
        builds=service.node.find("build") is not None,
        has_health=health_of(service.node, service.run, own=True if own else None),
    )


def _port(run: ContainerRun) -> str | None:
    """Where the server of a service listens, as far as that is known."""
    if start := start_of(run):
        told = setting_of(start, run.variables, ("--port",), "LLAMA_ARG_PORT")
        if told is None:
            return PORT if start.is_inherited else None
        return told.text if told.complete and told.text.isdigit() else None
    other = started_by(run)
    return other.port if other and (other.is_inherited or other.told(other.server.port)) else None


def _looked_at_other(name: str, run: ContainerRun) -> Looked:
    """A server of others is looked at by what is known of it; nothing is known of the rest."""
    started = started_by(run)
    if started is None:
        return Looked(not_at=(f"service {name}, of whose server nothing is known",))
    return others_looked_at(started)


def _check_inline(node: Node, file: str, basis: Basis) -> Examined | None:
    """A Dockerfile in the file itself, read like any other."""
    text = inline_dockerfile(node)
    if text is None:
        return None
    return check_dockerfile(text, file=file, basis=basis)


def _check_top(file: ComposeFile) -> Iterator[Finding]:
    if "version" in file.document.value:
        yield Finding(
            severity=Severity.NOTE,
            where=file.where(("version",)),
            subject="version",
            what="is obsolete",
            why="Compose reads files by its specification, says so at each start, and ignores the number.",
            instead="leave it out",
        )


def is_about_llama(one: Contents) -> bool:
    words = (word.text for command in one.commands for word in command.words)
    copied = (word.text for _, words in one.copies for word in words)
    return "llama" in one.image or any("llama" in text or text.startswith("-DGGML_") for text in (*words, *copied))


def _check_devices(node: Node) -> Iterator[Finding]:
    for one in reservations(node):
        capabilities = one.items("capabilities")
        told = one.find("capabilities")
        if told is not None and not isinstance(told[0], list):
            yield _wrong(one, "capabilities", "must be a list", "Compose refuses the file.", "capabilities: [gpu]")
        elif not capabilities:
            yield _wrong(one, "devices", "must name capabilities", "Compose refuses the file.", "capabilities: [gpu]")
        elif text_of(one, "driver") == "nvidia" and "gpu" not in {word.text for word in capabilities}:
            why = "The NVIDIA runtime gives the container no card."
            yield _wrong(one, "capabilities", "does not name gpu", why, "capabilities: [gpu]")
        if one.find("count") is not None and one.find("device_ids") is not None:
            why = "Compose refuses the file: one of them says which cards."
            yield _wrong(one, "count", "stands beside device_ids", why, "one of the two")
    yield from _check_places(node)


def _check_places(node: Node) -> Iterator[Finding]:
    """`devices` of a deployment that stand where nothing reads them."""
    deploy = node.node("deploy")
    resources = deploy.node("resources") if deploy else None
    limits = resources.node("limits") if resources else None
    instead = "deploy.resources.reservations.devices"
    for parent, key in ((deploy, "devices"), (deploy, "reservations"), (resources, "devices"), (limits, "devices")):
        if parent is not None and parent.find(key) is not None:
            yield _wrong(parent, key, "stands in the wrong place", "Compose refuses it or does not read it.", instead)


def _check_health(node: Node, run: ContainerRun) -> Iterator[Finding]:
    health = node.node("healthcheck")
    if health is None:
        return
    words = health.command_line("test")
    found = health.find("test")
    if found and isinstance(found[0], list) and words and words[0].text not in TEST_FORMS:
        why = "Compose refuses the file: a list begins with how its words are meant."
        yield _wrong(health, "test", "does not begin with CMD", why, f'["CMD", "{words[0].text}", ...]')
    tools = [word for word in words if word.text.split(" ")[0].rpartition("/")[2] == "wget"]
    if upstream_of(run) is not None and tools:
        yield Finding(
            severity=Severity.ERROR,
            where=tools[0].where,
            subject="wget",
            what="is not in the image",
            why="The project's server images have curl only: the check fails for ever.",
            instead="curl -f",
            by_revision=True,
        )


def _check_names(node: Node) -> Iterator[Finding]:
    """`- NAME = value`: the blanks are part of the name and of the value."""
    for setting in node.settings("environment"):
        if setting.name != setting.name.strip() and setting.name.strip():
            yield finding(
                setting,
                "is a variable with a blank in its name",
                "Nothing is cut off around the sign: the container gets another variable than the one that is meant.",
                f"{setting.name.strip()}={setting.value.strip()}",
                subject=setting.as_variable,
            )


def _check_comments(node: Node) -> Iterator[Finding]:
    """A comment inside a text of several lines is part of it, and its words are arguments."""
    for key in ("command", "entrypoint"):
        found = node.find(key)
        comment = re.search(r"(?:^|\s)(?P<text>#[^\n]*)", found[0]) if found and isinstance(found[0], str) else None
        if comment:
            yield Finding(
                severity=Severity.ERROR,
                where=node.where_of(key),
                subject=comment["text"].strip()[:60],
                what="is no comment here",
                why="In a text of several lines it belongs to the text, and its words are arguments.",
                instead="the comment above the key, or a list with one item a line",
            )


def _wrong(node: Node, key: str, what: str, why: str, instead: str) -> Finding:
    where = node.where_of(key) if node.find(key) else node.where
    return Finding(severity=Severity.ERROR, where=where, subject=key, what=what, why=why, instead=instead)


def is_compose(value: Any) -> bool:
    """Whether a YAML document is a compose file: a mapping with services, each of them a mapping."""
    services = value.get("services") if isinstance(value, Mapping) else None
    return (
        isinstance(services, Mapping) and bool(services) and all(isinstance(one, Mapping) for one in services.values())
    )
