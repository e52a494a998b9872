"""One of the images that llama.cpp's own project publishes (`images.yaml`): what its tag says beside that."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from bakehouse.lint.stages.bases import find_base
from bakehouse.servers.llama_cpp.lint.catalogue import load_own

SERVER = "llama-server"
_TAG = re.compile(
    r"(?P<kind>server|light|full)(?:-(?P<backend>[a-z0-9]+?)(?P<version>[0-9]*))??(?:-b(?P<build>[0-9]+))?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamImage:
    program: str | None
    """What its ENTRYPOINT starts; None for a tag that is not one of the project's."""
    folder: str
    """Where its programs are: its working folder."""
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
    base = find_base(reference, load_own())
    if base.image is None:
        return None
    tag = _TAG.fullmatch(base.reference.tag)
    build = int(tag["build"]) if tag and tag["build"] else None
    return UpstreamImage(
        program=posixpath.basename(base.image.entrypoint[0]) if tag else None,
        folder=base.image.workdir or "/",
        backend=(tag["backend"] if tag else None) or "cpu",
        build=build,
        fixed="@" in reference or build is not None,
        moved="ggerganov" in base.reference.repository,
    )
