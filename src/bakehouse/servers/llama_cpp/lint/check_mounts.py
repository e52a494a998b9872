"""Folders of the host in a container of the project's own images: what they hide, and whether the model is in one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.server_start import ServerStart, setting_of
from bakehouse.servers.llama_cpp.lint.check_arguments import spelled
from bakehouse.servers.llama_cpp.lint.containers import start_of, upstream_of
from bakehouse.servers.llama_cpp.lint.downloads import FETCHING, FETCHING_VARIABLES

_MODEL = frozenset({"-m", "--model"})


def check_mounts(run: ContainerRun) -> Iterator[Finding]:
    yield from _check_hidden(run)
    yield from _check_model(run)
    yield from _check_cache(run)


def _check_hidden(run: ContainerRun) -> Iterator[Finding]:
    upstream = upstream_of(run)
    for mount in run.mounts:
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


def _check_model(run: ContainerRun) -> Iterator[Finding]:
    """A model of one of the project's own images, which hold none, lies in something that is mounted. Of a service that
    mounts nothing, another file may say more.
    """
    start = start_of(run)
    if upstream_of(run) is None or start is None or not run.files_known:
        return
    model = setting_of(start, run.variables, _MODEL, "LLAMA_ARG_MODEL")
    targets = [mount.target for mount in run.mounts]
    if model is None or not (model.complete and model.text.startswith("/")) or None in targets or _fetches(start, run):
        return
    if targets and not any(f"{model.text}/".startswith(f"{one.rstrip('/')}/") for one in targets if one):
        mounted = ", ".join(target for target in targets if target)
        yield finding(
            model,
            "is in nothing that is mounted",
            f"The image holds no models, and {mounted} is mounted: the server finds no file.",
            f"a path below {targets[0]}",
            severity=Severity.WARNING,
        )


def _fetches(start: ServerStart, run: ContainerRun) -> bool:
    """Whether the server gets the model itself, and the path says where to put it."""
    told = any(spelled(word.text) in FETCHING for word in start.words)
    return told or any(setting.name in FETCHING_VARIABLES for setting in run.variables)


_OLD_CACHE = re.compile(r".*/\.cache/llama\.cpp/?")
_NEW_CACHE = "/root/.cache/huggingface"


def _check_cache(run: ContainerRun) -> Iterator[Finding]:
    """A volume where older revisions kept what they fetched."""
    start = start_of(run)
    mount = next((one for one in run.mounts if one.target and _OLD_CACHE.fullmatch(one.target)), None)
    if mount is None or start is None or not _fetches(start, run):
        return
    if not any(setting.name == "LLAMA_CACHE" for setting in run.variables):
        yield finding(
            mount.word,
            "is not where the server keeps what it fetches",
            "It uses the cache of Hugging Face's own tools: the volume stays empty, and a new container fetches again.",
            f"{_NEW_CACHE}, or LLAMA_CACHE={mount.target}",
            severity=Severity.WARNING,
            by_revision=True,
        )
