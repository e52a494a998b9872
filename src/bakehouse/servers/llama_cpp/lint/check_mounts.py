"""Folders of the host in a container of the project's own images: what they hide, and whether the model is in one."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from bakehouse.lint.compose_file import Node
from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.server_start import Start, setting_of
from bakehouse.lint.settings import Word
from bakehouse.servers.llama_cpp.lint.check_arguments import spelled
from bakehouse.servers.llama_cpp.lint.containers import start_of, upstream_of
from bakehouse.servers.llama_cpp.lint.downloads import FETCHING, FETCHING_VARIABLES

_MODEL = frozenset({"-m", "--model"})
_BRING_FILES = ("volumes_from", "configs", "secrets", "develop", "models", "pre_start", "post_start")
"""Keys that put files into a container by other ways."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mount:
    word: Word
    target: str | None
    """None where nobody can tell."""
    is_bind: bool
    """Whether a folder of the host is laid over what the image has; a new volume is filled from the image."""


def check_mounts(node: Node, run: ContainerRun) -> Iterator[Finding]:
    mounts = [*_mounts(node)]
    yield from _check_hidden(mounts, run)
    yield from _check_model(node, mounts, run)


def _check_hidden(mounts: list[_Mount], run: ContainerRun) -> Iterator[Finding]:
    upstream = upstream_of(run)
    for mount in mounts:
        if upstream is None or mount.target is None or not mount.is_bind:
            continue
        if f"{upstream.folder}/".startswith(f"{posixpath.normpath(mount.target).rstrip('/')}/"):
            yield finding(
                mount.word,
                f"hides {upstream.folder}",
                "The server and its libraries are in this folder of the image: the container ends with "
                '"no such file or directory".',
                "another folder, like /models",
            )


def _check_model(node: Node, mounts: list[_Mount], run: ContainerRun) -> Iterator[Finding]:
    """A model of one of the project's own images, which hold none, lies in something that is mounted. Of a service that
    mounts nothing, another file may say more.
    """
    start = start_of(run)
    if upstream_of(run) is None or start is None or any(node.find(key) is not None for key in _BRING_FILES):
        return
    model = setting_of(start, run.variables, _MODEL, "LLAMA_ARG_MODEL")
    targets = [mount.target for mount in mounts]
    if model is None or not (model.complete and model.text.startswith("/")) or None in targets or _fetches(start, run):
        return
    if targets and not any(f"{model.text}/".startswith(f"{one.rstrip('/')}/") for one in targets if one):
        mounted = ", ".join(target for target in targets if target)
        yield finding(
            model,
            "is in nothing that is mounted",
            f"The image holds no models, and the service mounts {mounted}: the server finds no file.",
            f"a path below {targets[0]}",
            severity=Severity.WARNING,
        )


def _fetches(start: Start, run: ContainerRun) -> bool:
    """Whether the server gets the model itself, and the path says where to put it."""
    told = any(spelled(word.text) in FETCHING for word in start.words)
    return told or any(setting.name in FETCHING_VARIABLES for setting in run.variables)


def _mounts(node: Node) -> Iterator[_Mount]:
    for word in node.items("volumes"):
        parts = word.text.split(":")
        is_known = word.complete and "\\" not in word.text
        target = parts[1] if len(parts) > 1 else parts[0]
        is_bind = len(parts) > 1 and parts[0].startswith((".", "/", "~", "$"))
        yield _Mount(word=word, target=target if is_known else None, is_bind=is_bind)
    for one in node.nodes("volumes"):
        named = one.word("target")
        kind = one.word("type")
        if named:
            is_bind = kind is not None and kind.text == "bind"
            yield _Mount(word=named, target=named.text if named.complete else None, is_bind=is_bind)
        else:
            yield _Mount(word=Word(text="volumes", where=one.where), target=None, is_bind=False)
