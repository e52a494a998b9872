"""The images that llama.cpp's own project publishes: what a tag says of the program, the backend and the revision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

SERVER = "llama-server"
FOLDER = "/app"
"""Where their programs are, and their working folder."""
PORT = "8080"
"""Where their health check asks."""

_REFERENCE = re.compile(
    r"(?:[a-z0-9.-]+(?::[0-9]+)?/)*(?P<owner>ggml-org|ggerganov)/llama\.cpp"
    r"(?::(?P<tag>[A-Za-z0-9_.-]+))?(?:@sha256:(?P<digest>[0-9a-f]+))?"
)
_TAG = re.compile(
    r"(?P<kind>server|light|full)(?:-(?P<backend>[a-z0-9]+?)(?P<version>[0-9]*))??(?:-b(?P<build>[0-9]+))?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamImage:
    program: Literal["llama-server", "llama-cli", "tools.sh"] | None
    """What its ENTRYPOINT starts; None for a tag that is not one of the project's."""
    backend: str
    """`cuda`, `rocm`, `vulkan`, ...; `cpu` where the tag names none."""
    build: int | None
    """The build number of its revision, where the tag has it."""
    fixed: bool
    """Whether the reference always means the same image: it has a digest or a build number."""
    moved: bool
    """Whether it stands under the name of before February 2025."""


def upstream_image(reference: str) -> UpstreamImage | None:
    """None for an image of somebody else."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return None
    tag = _TAG.fullmatch(found["tag"] or "")
    build = int(tag["build"]) if tag and tag["build"] else None
    return UpstreamImage(
        program=_program(tag["kind"]) if tag else None,
        backend=(tag["backend"] if tag else None) or "cpu",
        build=build,
        fixed=bool(found["digest"]) or build is not None,
        moved=found["owner"] == "ggerganov",
    )


def _program(kind: str) -> Literal["llama-server", "llama-cli", "tools.sh"]:
    match kind:
        case "server":
            return "llama-server"
        case "light":
            return "llama-cli"
        case _:
            return "tools.sh"
