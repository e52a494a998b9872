"""What a container that is started has of llama.cpp: the project's image, the server and its words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.server_start import ServerStart, find_start
from bakehouse.lint.settings import Word
from bakehouse.servers.llama_cpp.lint.upstream_images import SERVER, UpstreamImage, upstream_image

TOOLS = frozenset(
    {"--run", "-r", "--run-legacy", "-l", "--server", "--convert", "--quantize", "--bench", "--perplexity"}
)
"""What upstream's tools.sh takes first; letters that the server takes, too, are left out."""
_SERVER_OF_TOOLS = ("--server", "-s")
_LLAMA = re.compile(r"llama[-_.]?(?:cpp|server)|llama\.cpp")


def upstream_of(run: ContainerRun) -> UpstreamImage | None:
    """The project's own image."""
    return upstream_image(run.image.text) if run.image and run.image.complete else None


def start_of(run: ContainerRun) -> ServerStart | None:
    """The server that it starts, as far as its own words and a known image say."""
    if run.entrypoint or run.entrypoint_is_cleared:
        return find_start((*run.entrypoint, *run.command), (SERVER,))
    if run.image and (upstream := upstream_of(run)):
        return inherited_start(run.image, upstream, run.command)
    if found := find_start(run.command, (SERVER,)):
        return found
    if run.image and is_named_after(run):
        return _start_by_name(run.image, run.command)
    return None


def inherited_start(reference: Word, upstream: UpstreamImage | None, command: Sequence[Word]) -> ServerStart | None:
    """The server that the entrypoint of a project's own image starts with a command of somebody else."""
    if upstream is None:
        return None
    if upstream.program == SERVER:
        return ServerStart(program=reference, words=tuple(command), is_inherited=True)
    if upstream.program == "tools.sh" and command and command[0].text in _SERVER_OF_TOOLS:
        return ServerStart(program=command[0], words=tuple(command[1:]), is_inherited=True)
    return None


def _start_by_name(image: Word, command: tuple[Word, ...]) -> ServerStart | None:
    """Of an image that somebody built and named after llama.cpp: `local/llama.cpp:server-cuda`."""
    first = command[0].text if command else ""
    tag = image.text.rpartition("/")[2].partition(":")[2]
    if tag.startswith("full") or first in TOOLS:
        return ServerStart(program=image, words=command[1:]) if first in _SERVER_OF_TOOLS else None
    says_server = "server" in image.text or any(word.text in ("--port", "--host") for word in command)
    return ServerStart(program=image, words=command) if first.startswith("-") and says_server else None


def is_named_after(run: ContainerRun) -> bool:
    """Whether the image's name speaks of llama.cpp, so that options in its command are the server's."""
    return bool(run.image and _LLAMA.search(run.image.text))


def is_about(run: ContainerRun) -> bool:
    own = any(one.name.startswith(("LLAMA_", "GGML_")) for one in run.variables)
    return bool(start_of(run) or upstream_of(run) or is_named_after(run) or own)
