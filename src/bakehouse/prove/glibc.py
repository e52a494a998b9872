"""Whether the product was compiled for a C library as old as the image's own."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from bakehouse.model.report import Check
from bakehouse.prove import product
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.elf import Elf
from bakehouse.prove.image.loader import Loader

NAME = "glibc"

_LIBRARIES = {"GLIBC": "libc.so.6", "GLIBCXX": "libstdc++.so.6", "CXXABI": "libstdc++.so.6"}
"""Name of a series of symbol versions to the library that defines all of it."""
_VERSION = re.compile(r"(?P<series>GLIBC|GLIBCXX|CXXABI)_(?P<number>\d+(?:\.\d+)*)")
_BASE_ONLY = re.compile(
    r"(libc|libm|libpthread|libdl|librt)\.so\.\d+|ld-linux.*\.so\.\d+|libstdc\+\+\.so\.6.*|libgcc_s\.so\.1"
)

Version = tuple[int, ...]


def check_glibc(image: ImageAtRest, expectation: Expectation) -> Check:
    """The newest versions that the product needs of glibc and libstdc++ are within those of the image's own.

    The linkage check finds a version that is missing, one file at a time; this one says what the whole product needs
    and what there is, and finds a second C library that was copied from another distribution.
    """
    elves = product.elves(image, expectation)
    problems = [*_second_libraries(elves)]
    loader, passed = Loader(image), []
    for series, (number, elf) in sorted(_newest(elves).items()):
        library = loader.find(_LIBRARIES[series], [elf])
        needs = f"{series}_{_text(number)}"
        if library is None:
            problems.append(f"{elf.path} needs {needs}, and {_LIBRARIES[series]} is not in the image")
            continue
        has = max(
            (found[1] for v in library.versions_defined if (found := _parse(v)) and found[0] == series), default=()
        )
        if number > has:
            problems.append(
                f"{elf.path} needs {needs}, and {library.path} ends at {_text(has) or 'nothing'}: it was compiled on a "
                "newer distribution than the image's; compile it on the runtime base, or take a newer runtime base"
            )
        passed.append(f"{needs} of {_text(has)}")
    return judge(NAME, problems, passed=f"the product needs {', '.join(passed) or 'no C library'}")


def _newest(elves: list[Elf]) -> dict[str, tuple[Version, Elf]]:
    """Series to the newest version that any file needs, and which one does."""
    found: dict[str, tuple[Version, Elf]] = {}
    for elf in elves:
        for text in sorted(frozenset().union(*elf.versions_needed.values())):
            parsed = _parse(text)
            if parsed and parsed[1] > found.get(parsed[0], ((), elf))[0]:
                found[parsed[0]] = (parsed[1], elf)
    return found


def _second_libraries(elves: list[Elf]) -> Iterator[str]:
    for elf in elves:
        if _BASE_ONLY.fullmatch(posixpath.basename(elf.path)):
            yield f"{elf.path} is a second copy of a library of the base: two runtimes in a process do not agree"


def _parse(text: str) -> tuple[str, Version] | None:
    found = _VERSION.fullmatch(text)
    return (found["series"], tuple(map(int, found["number"].split(".")))) if found else None


def _text(version: Version) -> str:
    return ".".join(map(str, version))
