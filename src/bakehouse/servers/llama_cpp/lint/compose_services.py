"""A service of a compose file, as the container that it starts and the Dockerfile that it builds."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bakehouse.errors import Where
from bakehouse.lint.compose_file import Node, read_env_file
from bakehouse.lint.container_file import Contents, read_contents
from bakehouse.lint.container_run import ContainerRun, RunMount, container_port, mount_of
from bakehouse.lint.dockerfile import read_dockerfile
from bakehouse.lint.examined import Read
from bakehouse.lint.settings import Setting, Word
from bakehouse.servers.llama_cpp.lint.upstream_images import upstream_image

_OPTIONAL_PORT = re.compile(r"[0-9]+(?:-[0-9]+)?")
INLINE = "dockerfile_inline"
TEST_FORMS = ("CMD", "CMD-SHELL", "NONE")
"""How the list of a health check's test may begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComposeService:
    name: str
    node: Node
    run: ContainerRun
    dockerfile: tuple[Contents, ...]
    """Stages of the Dockerfile that it builds, where that is at hand."""
    missing: tuple[str, ...]
    """Files that it names and that are not at hand."""


def read_service(name: str, node: Node, read: Read) -> ComposeService:
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
            image=_inherited(dockerfile),
            entrypoint=run.entrypoint or (() if run.entrypoint_is_cleared else last.entrypoint),
            command=run.command or (() if run.entrypoint else last.command),
            variables=(*(one for one in own if one.name in _OF_LISTENING and one.name not in told), *run.variables),
        )
    elif builds_upstream(node):
        run = replace(run, image=_upstream_build(node))
    elif node.find("build") is not None:
        missing += (f"the Dockerfile of service {name}, which is not at hand",)
    return ComposeService(name=name, node=node, run=run, dockerfile=dockerfile, missing=missing)


def _inherited(stages: tuple[Contents, ...]) -> Word | None:
    """The project's own image that a Dockerfile stands on, where its entrypoint is left as it is."""
    last = stages[-1]
    if len(stages) > 1 or last.entrypoint or upstream_image(last.image) is None:
        return None
    return Word(text=last.image, where=Where(file=last.file, line=last.stage.line))


def _upstream_build(node: Node) -> Word:
    """A name for the image that a Dockerfile of the project makes: it says the program and the backend."""
    build = node.node("build")
    dockerfile = build.word("dockerfile") if build else None
    target = build.word("target") if build else None
    stem = posixpath.basename(dockerfile.text).removesuffix(".Dockerfile") if dockerfile else "cpu"
    kind = target.text if target else next((one for one in ("full", "light") if one in stem), "server")
    return Word(text=f"llama.cpp:{kind}-{stem}", where=node.where_of("build"))


_OF_LISTENING = frozenset({"LLAMA_ARG_HOST", "LLAMA_ARG_PORT"})


def inline_dockerfile(node: Node) -> str | None:
    """A Dockerfile that stands in the file itself, at the lines where it stands there."""
    build = node.node("build")
    word = build.word(INLINE) if build else None
    return "\n" * (word.where.line or 0) + word.text if word else None


def _dockerfile(node: Node, read: Read) -> tuple[tuple[Contents, ...], str]:
    build = node.node("build")
    context = build.word("context") if build else node.word("build")
    named = build.word("dockerfile") if build else None
    if inline := inline_dockerfile(node):
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


_OF_OVERRIDES = frozenset({"build", "image", "platform", "pull_policy"})
"""A service with nothing else is part of one in another file."""


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
        devices_known=not (privileged and privileged.text.lower() == "true")
        and node.find("use_api_socket") is None
        and not set(node.keys()) <= _OF_OVERRIDES,
        health=tuple(test),
        health_where=health.where_of("test") if health and (test or health.word("disable")) else None,
        shares_host_network=network is not None and network.text == "host",
        mounts=tuple(_mounts(node)),
        files_known=not any(node.find(key) is not None for key in _BRING_FILES),
        cards=_cards(node),
        groups=tuple(node.items("group_add")),
        shares_memory=_shares_memory(node),
    )


_BRING_FILES = ("volumes_from", "configs", "secrets", "develop", "models", "pre_start", "post_start")
"""Keys that put files into a container by other ways."""


def _mounts(node: Node) -> Iterator[RunMount]:
    yield from (mount_of(word) for word in node.items("volumes"))
    for one in node.nodes("volumes"):
        target = one.word("target")
        word = target or Word(text="volumes", where=one.where)
        is_bind = text_of(one, "type") == "bind"
        yield RunMount(word=word, target=target.text if target and target.complete else None, is_bind=is_bind)


def _cards(node: Node) -> int | None:
    """Of all reservations together; None where one of them asks for all."""
    numbers = [_number(one) for one in reservations(node)]
    return sum(number for number in numbers if number) if numbers and all(numbers) else None


def _number(one: Node) -> int | None:
    if ids := one.items("device_ids"):
        return len(ids)
    count = text_of(one, "count")
    return int(count) if count.isdigit() else None


def _shares_memory(node: Node) -> bool:
    ipc = text_of(node, "ipc")
    mounts = [mount.target or "/dev/shm" for mount in _mounts(node)]  # noqa: S108 - in the container
    tmpfs = [word.text for word in node.items("tmpfs")]
    keys = any(node.find(key) is not None for key in ("shm_size", "extends"))
    return keys or ipc not in ("", "private") or any("/dev/shm" in one for one in (*mounts, *tmpfs))  # noqa: S108


def _test(health: Node | None) -> Sequence[Word]:
    if health is None:
        return ()
    words = health.command_line("test")
    return words[1:] if words and words[0].text in TEST_FORMS else words


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
        "gpu" in {word.text for word in one.items("capabilities")} or text_of(one, "driver") == "nvidia"
        for one in reservations(node)
    )
    return (
        node.find("gpus") is not None
        or reserved
        or (runtime is not None and "nvidia" in runtime.text)
        or any("nvidia" in one for one in devices)
    )


def reservations(node: Node) -> list[Node]:
    found: Node | None = node
    for key in ("deploy", "resources", "reservations"):
        found = found.node(key) if found else None
    return found.nodes("devices") if found else []


def text_of(node: Node, key: str) -> str:
    word = node.word(key)
    return word.text if word else ""


def builds_upstream(node: Node) -> bool:
    build = node.node("build")
    context = build.word("context") if build else node.word("build")
    dockerfile = build.word("dockerfile") if build else None
    texts = [word.text for word in (context, dockerfile) if word]
    return any("llama.cpp" in text or text.startswith(".devops/") for text in texts)
