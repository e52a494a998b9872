"""Packages with headers in an image that needs the library they bring: to leave them out would break it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from bakehouse.lint.finding import Finding
from bakehouse.lint.stages.components import load_components
from bakehouse.lint.stages.stage import StageModel

_LIBRARIES = ("libssl", "libcurl", "openblas", "vulkan-loader", "level-zero-loader", "libgomp")
_SUFFIXES = ("-dev", "-devel")


def with_libraries(findings: Iterable[Finding], image: StageModel) -> Iterator[Finding]:
    """The same findings; where one is about such a package, it says what to install instead."""
    words = {(one.word.where, one.word.text): one.name for one in image.packages.installed}
    for one in findings:
        name = words.get((one.where, one.subject))
        library = _library(name, image) if name and name.endswith(_SUFFIXES) else None
        if library is None:
            yield one
            continue
        yield dataclasses.replace(
            one,
            why="It has headers for building. The image needs the library that comes with it, and that alone.",
            instead=library,
        )


def _library(package: str, image: StageModel) -> str | None:
    """The package of the library alone, where no other one brings it."""
    for name in _LIBRARIES:
        component = load_components()[name]
        others = [one.name for one in image.packages.installed if one.name != package]
        if component.is_brought_by(package) and not any(component.is_brought_by(one) for one in others):
            return component.install.get(image.base.manager or "apt")
    return None
