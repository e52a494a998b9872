"""What a compiler's installation leaves in an image, and runtime libraries that nothing needs."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator

from bakehouse.model.report import Check
from bakehouse.prove import product
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge, size_text
from bakehouse.prove.image import libraries
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.elf import Elf
from bakehouse.prove.image.layer import Entry

NAME = "toolkit-leftovers"

PROGRAMS: dict[str, re.Pattern[str]] = {
    "CUDA's compiler or tools": re.compile(
        r"nvcc|cicc|ptxas|cudafe\+\+|fatbinary|nvlink|bin2c|cuobjdump|nvdisasm|nvprune|cu\+\+filt|cuda-gdb|nsys|ncu|"
        r"compute-sanitizer|cuda-memcheck|nvprof"
    ),
    "ROCm's compiler or tools": re.compile(
        r"hipcc|hipconfig|amdclang(\+\+)?|clang(\+\+)?(-\d+)?|ld\.lld|lld(-\d+)?|llvm-\w+(-\d+)?|roc-obj\w*|rocgdb|rocprof\w*"
    ),
    "oneAPI's compiler or tools": re.compile(r"icx|icpx|dpcpp|ocloc\S*|sycl-post-link|clang-offload-\w+|spirv-\w+"),
    "a host compiler or build tool": re.compile(
        r"([\w.]+-)*(gcc|g\+\+|cc|c\+\+|cpp|ld|ld\.bfd|ld\.gold|as)(-[\d.]+)?|cc1(plus)?|cmake|ctest|ninja|make|ccache|patchelf"
    ),
    "a shader compiler": re.compile(r"glslc|glslang\w*"),
}
"""What it is called, and names of programs: files that may be executed in a `bin` folder or beside a compiler."""

_PROGRAM_FOLDERS = re.compile(r".*/(s?bin|libexec/.*|nvvm/bin|gcc/.*)")
_HEADER = re.compile(r".+/include/.+\.(h|hh|hpp|cuh|inl)")
_STATIC = re.compile(r".+\.a")
_SOURCE_ONLY = re.compile(r".+/(libdevice\.\d+\.bc|nvvm/.+\.bc)")
_DEVELOPERS = re.compile(r"lib(cudnn|cupti|nvperf|nsight|nvToolsExt|cuinj|accinj|checkpoint)\w*(-[\w.]+)?\.so.*")
"""Libraries that profilers and training take, and no inference server of ours links to."""
_VENDOR_FOLDERS = re.compile(r"/(usr/local/cuda|opt/rocm|opt/intel)[^/]*/.+\.so[\d.]*")


def check_toolkit_leftovers(image: ImageAtRest, expectation: Expectation) -> Check:
    """No compiler, header, static library or developers' library, and no copied library that nothing needs."""
    problems, headers = [], []
    linked = libraries.reached(image, product.elves(image, expectation))
    for entry in sorted(image.tree, key=lambda one: one.path):
        if _is_allowed(entry, expectation):
            continue
        if _HEADER.fullmatch(entry.path):
            headers.append(entry)
        elif what := _what(entry, linked):
            problems.append(f"{entry.path} is {what} ({size_text(entry.size)})")
    if headers:
        problems.append(f"{len(headers)} header files ({_weight(headers)}), for example {headers[0].path}")
    waste = libraries.unneeded(image, expectation)
    problems += [
        f"{elf.path} is needed by nothing ({size_text(_size(image, elf))}): leave it out, or name it in the backend's "
        "runtime_files or loads if it is loaded by name"
        for elf in waste
    ]
    there = libraries.copied(image, expectation)
    return judge(
        NAME,
        problems,
        passed=f"no compiler, header or static library; {_copied(image, there)}",
        notes=[
            *(f"copied: {elf.path}, {size_text(_size(image, elf))}" for elf in there),
            *_idle_vendor_libraries(image, linked),
        ],
    )


def _copied(image: ImageAtRest, elves: list[Elf]) -> str:
    weight = size_text(sum(_size(image, elf) for elf in elves))
    return f"{len(elves)} copied libraries ({weight}), all needed" if elves else "no library was copied"


def _is_allowed(entry: Entry, expectation: Expectation) -> bool:
    return (
        entry.kind != "file"
        or not entry.size
        or any(fnmatch.fnmatchcase(entry.path, pattern) for pattern in expectation.allowed_leftovers)
    )


def _what(entry: Entry, linked: set[str]) -> str | None:
    folder, name = posixpath.split(entry.path)
    if entry.mode & 0o111 and _PROGRAM_FOLDERS.fullmatch(folder):
        for what, names in PROGRAMS.items():
            if names.fullmatch(name):
                return f"of {what}" if what.endswith("tools") else what
    if _STATIC.fullmatch(entry.path):
        return "a static library"
    if _SOURCE_ONLY.fullmatch(entry.path):
        return "code that only a compiler reads"
    if _DEVELOPERS.fullmatch(name) and entry.path not in linked:
        return "a developers' library that nothing links to"
    return None


def _idle_vendor_libraries(image: ImageAtRest, linked: set[str]) -> Iterator[str]:
    """Of a vendor's runtime image; it was chosen as a base, so it is reported and not judged."""
    idle = [
        entry
        for entry in image.tree
        if entry.kind == "file" and _VENDOR_FOLDERS.fullmatch(entry.path) and entry.path not in linked
    ]
    if idle:
        largest = max(idle, key=lambda entry: entry.size)
        yield f"the base brings {len(idle)} libraries that nothing links to ({_weight(idle)}), above all {largest.path}"


def _size(image: ImageAtRest, elf: Elf) -> int:
    entry = image.tree.follow(elf.path)
    return entry.size if entry else 0


def _weight(entries: list[Entry]) -> str:
    return size_text(sum(entry.size for entry in entries))
