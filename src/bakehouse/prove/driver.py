"""The border between the image and the host's driver: what the driver brings, and from which version on."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from packaging.version import Version

from bakehouse.model.enums import AcceleratorName, Verdict
from bakehouse.model.report import Check
from bakehouse.prove import product
from bakehouse.prove.device_code.parts import BrokenDeviceCodeError, Packing, UnknownDeviceCodeError
from bakehouse.prove.device_code.plugin_code import backend_plugins, fatbins
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge, skip
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.layer import Entry

NAME = "driver-floor"
READS_ZSTD = "550.54.14"
"""The first driver that unpacks device code in Zstandard, which nvcc writes from 12.8 on with -compress-mode=size or
balance. Older ones answer "device kernel image is invalid" (https://github.com/ollama/ollama/issues/12258; table of
https://docs.rapids.ai/api/rapids-cmake/stable/command/rapids_cuda_enable_fatbin_compression)."""
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
    try:
        packed = _packed(image, expectation)
    except BrokenDeviceCodeError as error:
        return judge(NAME, [str(error)], passed="")
    except UnknownDeviceCodeError as error:
        return Check(name=NAME, verdict=Verdict.ERRORED, message=f"{error}; update bakehouse to read it")
    problems = [*_labels(image, expectation), *_hiding(image, expectation), *_unreadable(packed, expectation)]
    wanted = sorted({n for elf in product.elves(image, expectation) for n in elf.needed} & expectation.driver_libraries)
    minor = f" (native code from {expectation.driver_floor_minor} on)" if expectation.driver_floor_minor else ""
    brings = f"which brings {', '.join(wanted) or 'no library we link to'}"
    return judge(NAME, problems, passed=f"driver {expectation.driver_floor}{minor}, {brings}{_in_words(packed)}")


def of_driver(symbol: str, library: str) -> bool:
    """Whether a symbol can come from a driver's library, which is not there to be asked."""
    pattern = SYMBOLS.get(library)
    return bool(pattern and pattern.fullmatch(symbol))


def _packed(image: ImageAtRest, expectation: Expectation) -> dict[str, frozenset[Packing]]:
    """How the device code of each plugin is compressed. Raises Broken- and UnknownDeviceCodeError."""
    if expectation.accelerator is not AcceleratorName.CUDA:
        return {}
    plugins, _ = backend_plugins(image, expectation)  # one that is missing fails the check `native-code`
    return {
        plugin.name: frozenset(piece.packing for part in fatbins(image, plugin.elf) for piece in part)
        for plugin in plugins
    }


def _unreadable(packed: Mapping[str, frozenset[Packing]], expectation: Expectation) -> Iterator[str]:
    """Code that the oldest promised driver cannot unpack: the first kernel would end the server."""
    floor = expectation.driver_floor_minor or expectation.driver_floor
    if floor is None or Version(floor) >= Version(READS_ZSTD):
        return
    for name, packings in packed.items():
        if Packing.ZSTD in packings:
            yield (
                f"{name} holds code that is compressed with Zstandard, which drivers read from {READS_ZSTD} on, and "
                f"{floor} is promised: build it with -compress-mode=none or promise {READS_ZSTD}"
            )


def _in_words(packed: Mapping[str, frozenset[Packing]]) -> str:
    found = sorted({packing for packings in packed.values() for packing in packings} - {Packing.NONE})
    return f"; device code is compressed with {' and '.join(found)}" if found else ""


def _labels(image: ImageAtRest, expectation: Expectation) -> Iterator[str]:
    if not expectation.driver_floor:
        toolkit = expectation.toolkit or "the toolkit"
        yield f"{toolkit} has no driver_floor in matrix.yaml, so it is unknown which driver runs this image"
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
