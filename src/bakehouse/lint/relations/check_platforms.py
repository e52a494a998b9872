"""Stages of the machine that builds, and images of another one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.finding import Finding
from bakehouse.lint.relations.view import Build, View, base_word, finding

_BUILD = re.compile(r"\$\{?BUILD(?:PLATFORM|OS|ARCH)\b")
_CROSS = re.compile(r"CMAKE_(?:TOOLCHAIN_FILE|SYSTEM_NAME|SYSTEM_PROCESSOR|CROSSCOMPILING)")


def check_platforms(view: View) -> Iterator[Finding]:
    """A compiler that runs on the build machine compiles for it, unless it is told otherwise."""
    for build in view.builds_elsewhere:
        built, runs = build.stage.chain[0].stage.platform, view.image.chain[0].stage.platform
        if built and _BUILD.search(built) and not (runs and _BUILD.search(runs)) and not _crosses(build):
            yield finding(
                base_word(build.stage),
                "compiles for the platform of the build, not for that of the image",
                f"FROM --platform={built} runs on the machine that builds; in an image for another platform its server "
                'does not start: "exec format error".',
                "FROM without --platform, or a cross compiler (CMAKE_TOOLCHAIN_FILE)",
            )


def _crosses(build: Build) -> bool:
    compilers = build.value("CMAKE_C_COMPILER", "CC") + build.value("CMAKE_CXX_COMPILER", "CXX")
    return any(_CROSS.fullmatch(name) for name in build.options) or "-linux-" in compilers or "--target" in build.flags
