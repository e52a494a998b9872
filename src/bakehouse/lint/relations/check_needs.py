"""Finds what builds and images need and do not hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.needs import ComponentNeed
from bakehouse.lint.relations.view import Build, View, base_word
from bakehouse.lint.settings import Word
from bakehouse.lint.stages.components import load_components
from bakehouse.lint.stages.stage import StageModel

GRAPHICS = frozenset({"all", "graphics", "display"})
"""Capabilities with which NVIDIA's container toolkit brings its Vulkan driver."""


def check_needs(view: View, needs: Sequence[ComponentNeed]) -> Iterator[Finding]:
    """Each missing component once, wherever several builds need it."""
    told: set[tuple[int, str]] = set()
    elsewhere = list(view.builds_elsewhere)
    for build in view.builds:
        for need in needs:
            if not _applies(need, build, view):
                continue
            if need.place == "build":
                stage = build.stage
            elif need.place == "image" or build in elsewhere:
                stage = view.image
            else:
                continue
            key = (id(stage), need.component)
            if key in told:
                continue
            if stage.has(need.component) is False:
                told.add(key)
                yield _missing(need, build, stage)
            elif need.place != "build" and (word := stage.only_recommended(need.component)):
                told.add(key)
                yield _by_recommendation(need, word, stage)


def _applies(need: ComponentNeed, build: Build, view: View) -> bool:
    """Whether the options of a build make it need it."""
    if need.place == "run" and (build.is_static or view.image.base.libc in ("none", "other")):
        return False
    excused = (
        need.until_build is not None and (view.build_number is None or view.build_number >= need.until_build),
        any(not _is(build, name, value) for name, value in need.when.items()),
        any(_is(build, name, value) for name, value in need.unless.items()),
        need.unless_given is not None and need.unless_given in build.options,
        bool(need.unless_flags) and str(need.unless_flags) in build.flags,
        need.unless_graphics and bool(GRAPHICS & set(_capabilities(view.image))),
        need.compiler == "gcc" and not build.compiles_with_gcc,
        bool(need.if_build_has) and build.stage.has(str(need.if_build_has)) is not True,
    )
    return not any(excused)


def _is(build: Build, name: str, value: str) -> bool:
    return build.is_on(name) if value == "on" else build.is_off(name)


def _capabilities(stage: StageModel) -> list[str]:
    setting = stage.environment.get("NVIDIA_DRIVER_CAPABILITIES")
    return [one.strip() for one in setting.value.split(",")] if setting else []


def _missing(need: ComponentNeed, build: Build, stage: StageModel) -> Finding:
    component = load_components()[need.component]
    title = component.title or need.component
    packages = component.install.get(stage.base.manager) if stage.base.manager else None
    instead = need.instead or (f"install {packages}" if packages else f"an image with {title}")
    if need.or_else:
        instead = f"{instead}; or {need.or_else}"
    if need.place == "build":
        switch = next(iter(need.when), None)
        word, what = build.word(switch), f"needs {title}, which its stage lacks"
    else:
        word, what = _own_word(stage), f"lacks {title}"
    return finding(word, what, need.why, instead, link=need.link, since_build=need.since_build)


def _by_recommendation(need: ComponentNeed, word: Word, stage: StageModel) -> Finding:
    component = load_components()[need.component]
    package = component.install.get(stage.base.manager or "apt", "")
    return finding(
        word,
        f"brings {component.title or need.component} as a recommendation only",
        f"It is gone with --no-install-recommends, and nobody sees why. {need.why}",
        f"install {package} by name",
        severity=Severity.WARNING,
        link=need.link,
    )


def _own_word(stage: StageModel) -> Word:
    return base_word(stage)
