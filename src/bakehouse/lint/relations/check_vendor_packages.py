"""Packages that are in a vendor's archive alone, on an image that does not name it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.relations.view import View

_OF_NVIDIA = re.compile(
    r"(?:cuda-(?:toolkit|runtime|libraries|cudart|nvcc|compiler|minimal-build)(?:-dev)?|libcublas|libcusparse|libnccl2?|libcudnn[89]?)"
    r"(?:-dev)?(?:-cuda)?-[0-9]+(?:-[0-9]+)?"
)
_ARCHIVES = re.compile(
    r"developer\.download\.nvidia|cuda-keyring|sources\.list|add-apt-repository|\.repo\b|config-manager|add-repo|\.deb\b"
)


def check_vendor_packages(view: View) -> Iterator[Finding]:
    for stage in view.stages:
        base = stage.base
        plain = base.image is not None and base.image.toolkit is None and base.complete and base.manager == "apt"
        if not plain or stage.unseen or stage.fills(_ARCHIVES):
            continue
        own = {id(word) for command in stage.contents.commands for word in command.words}
        for package in stage.packages.installed:
            if _OF_NVIDIA.fullmatch(package.name) and id(package.word) in own:
                yield finding(
                    package.word,
                    f"is no package of {base.title}",
                    "It is in NVIDIA's archive, which no line of this stage names: the build stops.",
                    "an image nvidia/cuda:VERSION-runtime-OS, or NVIDIA's cuda-keyring before it",
                )
