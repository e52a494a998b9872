"""Compose files: each service of llama.cpp, as the container that it starts and the image that it builds."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bakehouse.lint.compose_file import ComposeFile, Node, Read, read_env_file
from bakehouse.lint.container_file import Contents, read_contents
from bakehouse.lint.container_run import ContainerRun, container_port
from bakehouse.lint.dockerfile import read_dockerfile
from bakehouse.lint.examined import Examined, Looked
from bakehouse.lint.finding import Finding, Severity, in_order
from bakehouse.lint.server_start import Start, setting_of
from bakehouse.lint.settings import Setting, Word
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_any_service import check_any_service, check_cards
from bakehouse.servers.llama_cpp.lint.check_arguments import spelled
from bakehouse.servers.llama_cpp.lint.check_compose_build import check_build
from bakehouse.servers.llama_cpp.lint.check_container import check_container, looked_at
from bakehouse.servers.llama_cpp.lint.check_dockerfile import check_dockerfile
from bakehouse.servers.llama_cpp.lint.containers import is_about, start_of, upstream_of
from bakehouse.servers.llama_cpp.lint.downloads import FETCHING, FETCHING_VARIABLES

_OPTIONAL_PORT = re.compile(r"[0-9]+(?:-[0-9]+)?")
INLINE = "dockerfile_inline"
_TEST_FORMS = ("CMD", "CMD-SHELL", "NONE")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Service:
    name: str
    node: Node
    run: ContainerRun
    dockerfile: tuple[Contents, ...]
    """Stages of the Dockerfile that it builds, where that is at hand."""
    missing: tuple[str, ...]
    """Files that it names and that are not at hand."""


def check_compose(file: ComposeFile, basis: Basis, *, read: Read) -> Examined:
    """Findings in the order of the file, and which services were not looked at."""
    findings = [*_check_top(file)]
    looked = Looked()
    for name, node in file.services.items():
        service = _service(name, node, read)
        builds_llama = any(is_about_llama(one) for one in service.dockerfile) or _builds_upstream(node)
        findings += check_cards(service.run)
        if not (is_about(service.run) or builds_llama):
            findings += check_any_service(service.run, basis)
            looked += Looked(not_at=(f"service {name}, in which nothing speaks of llama.cpp",))
            continue
        findings += check_container(service.run, basis)
        findings += _check_devices(node)
        findings += _check_health(node, service.run)
        findings += _check_model(node, service.run)
        findings += check_build(node, service.dockerfile, basis)
        if inline := _check_inline(node, file.document.file, basis):
            findings += inline.findings
            looked += inline.looked
        looked += looked_at(service.run) + Looked(not_at=service.missing)
    unknown = tuple(
        f"${{{name}}} of line {where.line}, which has no value here" for name, where in file.unknown.items()
    )
    looked += Looked(not_at=unknown)
    return Examined(file=file.document.file, findings=in_order(findings), looked=looked, kind="compose file")


def _check_inline(node: Node, file: str, basis: Basis) -> Examined | None:
    """A Dockerfile in the file itself, read like any other."""
    text = _inline(node)
    if text is None:
        return None
    return check_dockerfile(
        text,
        file=file,
        options=basis.options,
        knowledge=basis.knowledge,
        matrix=basis.matrix,
        at_hand=basis.at_hand,
    )


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


def _builds_upstream(node: Node) -> bool:
    build = node.node("build")
    context = build.word("context") if build else node.word("build")
    dockerfile = build.word("dockerfile") if build else None
    texts = [word.text for word in (context, dockerfile) if word]
    return any("llama.cpp" in text or text.startswith(".devops/") for text in texts)


# ---------------------------------------------------------------------------------------------- as a container


def _service(name: str, node: Node, read: Read) -> _Service:
    dockerfile, path = _dockerfile(node, read)
    variables, missing = _variables(node, read)
    run = _run(node, variables)
    if dockerfile:
        last = dockerfile[-1]
        missing += () if path == INLINE else (f"{path}, which `bakehouse lint {path}` looks at",)
        own = tuple(setting for one in dockerfile[-1:] for setting in one.variables if "NVIDIA" not in setting.name)
        told = {setting.name for setting in variables}
        run = replace(
            run,
            image=None,
            entrypoint=run.entrypoint or (() if run.entrypoint_is_cleared else last.entrypoint),
            command=run.command or (() if run.entrypoint else last.command),
            variables=(*(one for one in own if one.name in _OF_LISTENING and one.name not in told), *run.variables),
        )
    elif _builds_upstream(node):
        run = replace(run, image=_upstream_build(node))
    elif node.find("build") is not None:
        missing += (f"the Dockerfile of service {name}, which is not at hand",)
    return _Service(name=name, node=node, run=run, dockerfile=dockerfile, missing=missing)


def _upstream_build(node: Node) -> Word:
    """A name for the image that a Dockerfile of the project makes: it says the program and the backend."""
    build = node.node("build")
    dockerfile = build.word("dockerfile") if build else None
    target = build.word("target") if build else None
    stem = posixpath.basename(dockerfile.text).removesuffix(".Dockerfile") if dockerfile else "cpu"
    kind = target.text if target else next((one for one in ("full", "light") if one in stem), "server")
    return Word(text=f"llama.cpp:{kind}-{stem}", where=node.where_of("build"))


_OF_LISTENING = frozenset({"LLAMA_ARG_HOST", "LLAMA_ARG_PORT"})


def _inline(node: Node) -> str | None:
    """A Dockerfile that stands in the file itself, at the lines where it stands there."""
    build = node.node("build")
    word = build.word(INLINE) if build else None
    return "\n" * (word.where.line or 0) + word.text if word else None


def _dockerfile(node: Node, read: Read) -> tuple[tuple[Contents, ...], str]:
    build = node.node("build")
    context = build.word("context") if build else node.word("build")
    named = build.word("dockerfile") if build else None
    if inline := _inline(node):
        return tuple(read_contents(read_dockerfile(inline, file=node.file.document.file))), INLINE
    if (context is None and build is None) or (context and "://" in context.text):
        return (), ""
    path = posixpath.normpath(posixpath.join(context.text if context else ".", named.text if named else "Dockerfile"))
    text = read(path)
    if text is None:
        return (), path
    return tuple(read_contents(read_dockerfile(text, file=path))), path


def _variables(node: Node, read: Read) -> tuple[tuple[Setting, ...], tuple[str, ...]]:
    """Of env_file, then of environment, which wins; and the files that are not at hand."""
    found: list[Setting] = []
    missing: list[str] = []
    named = [*node.items("env_file"), *(word for one in node.nodes("env_file") if (word := one.word("path")))]
    for word in named:
        text = read(word.text) if word.complete else None
        if text is None:
            missing.append(f"{word.text}, which is not at hand")
        else:
            found += read_env_file(text, file=word.text)
    own = list(node.settings("environment"))
    names = {setting.name for setting in own}
    return (*(one for one in found if one.name not in names), *own), tuple(missing)


def _run(node: Node, variables: tuple[Setting, ...]) -> ContainerRun:
    entrypoint = node.find("entrypoint")
    devices = [word.text for word in node.items("devices")]
    health = node.node("healthcheck")
    test = _test(health)
    network = node.word("network_mode")
    privileged = node.word("privileged")
    built = node.find("build") is not None
    image = node.word("image")
    return ContainerRun(
        image=None if built and image and "/llama.cpp" in image.text else image,
        entrypoint=node.command_line("entrypoint"),
        entrypoint_is_cleared=entrypoint is not None and not entrypoint[0],
        command=node.command_line("command"),
        variables=variables,
        ports=tuple(_ports(node)),
        devices=tuple(devices),
        has_nvidia=_asks_for_nvidia(node, devices),
        devices_known=not (privileged and privileged.text.lower() == "true") and node.find("use_api_socket") is None,
        health=tuple(test),
        health_where=health.where_of("test") if health and (test or health.word("disable")) else None,
        shares_host_network=network is not None and network.text == "host",
    )


def _test(health: Node | None) -> Sequence[Word]:
    if health is None:
        return ()
    words = health.command_line("test")
    return words[1:] if words and words[0].text in _TEST_FORMS else words


def _ports(node: Node) -> Iterator[Word]:
    for word in node.items("ports"):
        inside = container_port(word)
        if _OPTIONAL_PORT.fullmatch(inside.text):
            yield inside
    for one in node.nodes("ports"):
        if target := one.word("target"):
            yield target


def _asks_for_nvidia(node: Node, devices: Sequence[str]) -> bool:
    runtime = node.word("runtime")
    reserved = any(
        "gpu" in {word.text for word in one.items("capabilities")} or _text(one, "driver") == "nvidia"
        for one in _reservations(node)
    )
    return (
        node.find("gpus") is not None
        or reserved
        or (runtime is not None and "nvidia" in runtime.text)
        or any("nvidia" in one for one in devices)
    )


def _reservations(node: Node) -> list[Node]:
    found: Node | None = node
    for key in ("deploy", "resources", "reservations"):
        found = found.node(key) if found else None
    return found.nodes("devices") if found else []


def _text(node: Node, key: str) -> str:
    word = node.word(key)
    return word.text if word else ""


# ---------------------------------------------------------------------------------------------- keys that must fit


def _check_devices(node: Node) -> Iterator[Finding]:
    for one in _reservations(node):
        capabilities = one.items("capabilities")
        if not capabilities:
            yield _wrong(one, "devices", "must name capabilities", "Compose refuses the file.", "capabilities: [gpu]")
        elif _text(one, "driver") == "nvidia" and "gpu" not in {word.text for word in capabilities}:
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
    if found and isinstance(found[0], list) and words and words[0].text not in _TEST_FORMS:
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


def _check_model(node: Node, run: ContainerRun) -> Iterator[Finding]:
    """A model of one of the project's own images, which hold none, lies in something that is mounted. Of a service that
    mounts nothing, another file may say more.
    """
    start = start_of(run)
    if upstream_of(run) is None or start is None or any(node.find(key) is not None for key in _BRING_FILES):
        return
    model = setting_of(start, run.variables, _MODEL, "LLAMA_ARG_MODEL")
    targets = list(_targets(node))
    if model is None or not (model.complete and model.text.startswith("/")) or None in targets or _fetches(start, run):
        return
    if not targets:
        return
    if not any(f"{model.text}/".startswith(f"{target.rstrip('/')}/") for target in targets if target):
        mounted = ", ".join(target for target in targets if target)
        yield Finding(
            severity=Severity.WARNING,
            where=model.where,
            subject=model.text,
            what="is in nothing that is mounted",
            why=f"The image holds no models, and the service mounts {mounted}: the server finds no file.",
            instead=f"a path below {targets[0]}",
        )


_MODEL = frozenset({"-m", "--model"})
_BRING_FILES = ("volumes_from", "configs", "secrets", "develop", "models", "pre_start", "post_start")
"""Keys that put files into a container by other ways."""


def _fetches(start: Start, run: ContainerRun) -> bool:
    """Whether the server gets the model itself, and the path says where to put it."""
    told = any(spelled(word.text) in FETCHING for word in start.words)
    return told or any(setting.name in FETCHING_VARIABLES for setting in run.variables)


def _targets(node: Node) -> Iterator[str | None]:
    """Where volumes are mounted; None for one that nobody can tell."""
    for word in node.items("volumes"):
        parts = word.text.split(":")
        yield (parts[1] if len(parts) > 1 else parts[0]) if word.complete and "\\" not in word.text else None
    for one in node.nodes("volumes"):
        target = one.word("target")
        yield target.text if target and target.complete else None


def _wrong(node: Node, key: str, what: str, why: str, instead: str) -> Finding:
    where = node.where_of(key) if node.find(key) else node.where
    return Finding(severity=Severity.ERROR, where=where, subject=key, what=what, why=why, instead=instead)


def is_compose(value: Any) -> bool:
    """Whether a YAML document is a compose file: a mapping with services, each of them a mapping."""
    services = value.get("services") if isinstance(value, Mapping) else None
    return (
        isinstance(services, Mapping) and bool(services) and all(isinstance(one, Mapping) for one in services.values())
    )
