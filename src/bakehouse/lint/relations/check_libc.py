"""Programs that are compiled on one distribution and run on another: the C library, the C++ library."""

from __future__ import annotations

from collections.abc import Iterator

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.versions import is_older
from bakehouse.lint.relations.view import Build, View, base_word

GLIBC_USED = ("2.14", "2.17", "2.27", "2.29", "2.32", "2.34", "2.38")
"""Versions whose new symbols every larger C++ program gets when it is built on them or later: 2.34 took in libpthread,
2.38 has strtol and its like anew. Others came with functions that servers of models do not call."""
LIBSTDCXX_USED = (5, 7, 9, 11, 12, 13)
"""GCCs after which every program that includes <iostream> or <string> asks for the new library."""
_LINK = "https://sourceware.org/glibc/wiki/FAQ"


def check_libc(view: View) -> Iterator[Finding]:
    if not (view.image.entrypoint or view.image.command):
        return  # files for another build, no image that is started
    for build in list(view.builds_elsewhere)[:1]:
        found = list(_check(build, view))
        yield from found[:1]


def _check(build: Build, view: View) -> Iterator[Finding]:
    built, runs = build.stage.base, view.image.base
    if build.is_static or built.libc is None or runs.libc is None or view.image.packages.names & {"gcompat"}:
        return
    word = base_word(view.image)
    if built.libc != runs.libc:
        if view.image.unseen and runs.libc != "musl":
            return
        yield finding(
            word,
            _LIBC[runs.libc],
            f"The server is linked to {_NAMES[built.libc]} of line {build.stage.chain[0].stage.line} ({built.title}): "
            'it does not start, with "no such file or directory".',
            f"an image of {built.distribution_name or 'the same distribution'}, like that of the build",
        )
        return
    if built.libc != "glibc":
        return
    yield from _check_glibc(build, view)
    yield from _check_libstdcxx(build, view)


def _check_glibc(build: Build, view: View) -> Iterator[Finding]:
    built, runs = build.stage.base, view.image.base
    newer, older = built.facts.glibc, runs.facts.glibc
    if newer is None or older is None or not is_older(older, newer):
        return
    needed = needed_glibc(newer)
    breaks = is_older(older, needed)
    yield finding(
        base_word(view.image),
        f"is older than the image that builds ({built.title})",
        f"It has glibc {older}, the build {newer}"
        + (
            f': the server does not start, with "version `GLIBC_{needed}\' not found".'
            if breaks
            else ", which may ask for what the older one lacks."
        ),
        f"the same release for both: {built.title} here, or {runs.title} for the build",
        severity=Severity.ERROR if breaks else Severity.WARNING,
        link=_LINK,
    )


def needed_glibc(built: str) -> str:
    """The version that a program asks for which was built with another one."""
    return max((one for one in GLIBC_USED if not is_older(built, one)), key=lambda one: int(one.partition(".")[2]))


def _check_libstdcxx(build: Build, view: View) -> Iterator[Finding]:
    gcc, there = build.gcc, view.image.base.libstdcxx
    if gcc is None or there is None or "-static-libstdc++" in build.flags or view.image.unseen:
        return
    needed = max((one for one in LIBSTDCXX_USED if one <= gcc), default=0)
    if there >= needed:
        return
    yield finding(
        base_word(view.image),
        f"has an older C++ library than the build (GCC {there}, not {gcc})",
        'The server does not start, with "version `GLIBCXX_3.4.x\' not found".',
        f"a newer release here, GCC {there} for the build, or -DCMAKE_EXE_LINKER_FLAGS=-static-libstdc++",
    )


_NAMES = {"glibc": "glibc", "musl": "musl", "other": "another C library", "none": "no C library"}
_LIBC = {
    "glibc": "has another C library than the build",
    "musl": "has another C library than the build",
    "other": "has another C library than the build",
    "none": "has no C library",
}
