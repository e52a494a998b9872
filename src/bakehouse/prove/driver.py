"""The border between the image and the host's driver: what the driver brings, and from which version on."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from bakehouse.model.enums import AcceleratorName
from bakehouse.model.report import Check
from bakehouse.prove import product
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge, skip
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.layer import Entry

NAME = "driver-floor"
FLOOR_LABEL, MINOR_LABEL = "io.bakehouse.driver-floor", "io.bakehouse.driver-floor-minor"

SYMBOLS: dict[str, re.Pattern[str]] = {
    "libcuda.so.1": re.compile(r"cu[A-Z]\w+"),
    "libnvidia-ml.so.1": re.compile(r"nvml[A-Z]\w+"),
}
"""A driver's library to the names of what it exports."""

_NVIDIA = re.compile(r"lib(cuda|nvidia-ml|nvidia-ptxjitcompiler|nvidia-nvvm|cudadebugger)\.so(\..*)?")
"""What NVIDIA's container toolkit mounts from the host, and the forward-compatibility package brings a copy of."""


def check_driver_floor(image: ImageAtRest, expectation: Expectation) -> Check:
    """The image says which driver it needs, and holds nothing that would hide the host's."""
    if not expectation.driver_libraries and not expectation.driver_floor:
        return skip(NAME, "nothing of the host's driver is loaded into this image but what the kernel gives")
    problems = [*_labels(image, expectation), *_hiding(image, expectation)]
    wanted = sorted({n for elf in product.elves(image, expectation) for n in elf.needed} & expectation.driver_libraries)
    minor = f" (native code from {expectation.driver_floor_minor} on)" if expectation.driver_floor_minor else ""
    return judge(
        NAME,
        problems,
        passed=f"driver {expectation.driver_floor}{minor}, which brings {', '.join(wanted) or 'no library we link to'}",
    )


def of_driver(symbol: str, library: str) -> bool:
    """Whether a symbol can come from a driver's library, which is not there to be asked."""
    pattern = SYMBOLS.get(library)
    return bool(pattern and pattern.fullmatch(symbol))


def _labels(image: ImageAtRest, expectation: Expectation) -> Iterator[str]:
    if not expectation.driver_floor:
        toolkit = expectation.toolkit or "the toolkit"
        yield f"{toolkit} has no driver_floor in matrix.yaml, so nobody can tell which driver runs this image"
    floors = ((FLOOR_LABEL, expectation.driver_floor), (MINOR_LABEL, expectation.driver_floor_minor))
    for label, wanted in floors:
        have = image.labels.get(label)
        if wanted and have is None:
            yield f"label {label} is missing; {expectation.toolkit} needs a driver from {wanted} on"
        elif wanted and have != wanted:
            yield f"label {label} says {have!r}, but {expectation.toolkit} needs {wanted}"
        elif have is not None and not wanted:
            yield f"label {label} says {have!r}, which matrix.yaml does not"


def _hiding(image: ImageAtRest, expectation: Expectation) -> Iterator[str]:
    cuda = expectation.accelerator is AcceleratorName.CUDA
    for entry in sorted(image.tree, key=lambda one: one.path):
        name = posixpath.basename(entry.path)
        if entry.kind != "folder" and (name in expectation.driver_libraries or (cuda and _NVIDIA.fullmatch(name))):
            yield f"{entry.path} is {_what(entry)}: leave it out, the host's driver brings its own"


def _what(entry: Entry) -> str:
    if "/stubs/" in entry.path:
        return "a stub to link against, which would hide the host's driver and fail every call"
    if "/compat/" in entry.path:
        return "a forward-compatibility copy, which fails on GeForce cards (error 804) and leaves the server on the CPU"
    return "a part of a driver, which does not fit the host's kernel module"
