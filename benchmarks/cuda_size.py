"""How large our CUDA images are, against the way that people copy around: NVIDIA's runtime base, cuDNN and CUPTI.

    python benchmarks/cuda_size.py [--run reports/RUN/run.json]

A sum, not a measurement: that image is not built. It is ours and what it would hold beside: the other libraries of
`nvidia/cuda:X-runtime` (cuda-libraries, NPP, NVTX, NCCL, as its Dockerfile installs them), and cuDNN and CUPTI, which
llama.cpp does not link to. Sizes are those of the shared libraries in NVIDIA's wheels, of the very versions that the
toolkit of that version names; only the wheels' tables of contents are read, by ranges (a few MB in all). What the two
systems below differ in is not counted. Our sizes are those of the images in the engine, or of a run.
Target: at most 0.6 of theirs.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from harness import Comparison, Record, arguments, docker, our_context, our_engine, say
from packaging.requirements import Requirement
from pypi_simple import DistributionPackage, PyPISimple

from bakehouse.errors import SupplyError
from bakehouse.supply.pypi import indexes
from bakehouse.supply.web import PATIENCE, network_errors, new_session

LIMIT = 0.6
MEBIBYTE = 2**20
BLOCK = 256 * 1024
"""Bytes of one request; a table of contents is smaller in most wheels."""
IMAGES = "bakehouse/llama-server"

IN_OURS = ("cublas", "cudart")
"""What the plugin links to: our image holds it as well."""
RUNTIME = (
    *("cufft", "cufile", "curand", "cusolver", "cusparse", "npp"),
    *("nvfatbin", "nvjitlink", "nvjpeg", "nvrtc", "nvtx", "opencl"),
)
"""The rest of cuda-libraries, NPP and NVTX: extras of NVIDIA's wheel `cuda-toolkit`."""
PROFILING = ("cupti",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolkit:
    """A version of CUDA, and what its base images hold that `cuda-toolkit` does not name."""

    version: str
    prefix: str
    """Of our cells' images."""
    nccl: str
    cudnn: str
    """One of the toolkit's time, as `nccl`."""


TOOLKITS = (
    Toolkit(version="12.4.1", prefix="cuda12.4-", nccl="nvidia-nccl-cu12==2.21.5", cudnn="nvidia-cudnn-cu12==9.1.0.70"),
    Toolkit(
        version="13.0.2", prefix="cuda13.0-", nccl="nvidia-nccl-cu13==2.27.7", cudnn="nvidia-cudnn-cu13==9.12.0.46"
    ),
)


class Remote(io.RawIOBase):
    """A file on a web server, of which only what is read is fetched."""

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        """Wrap `fetch(first, last)`, which returns these bytes, both included."""
        self._size = size
        self._fetch = fetch
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence] + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), self._size - self._at)
        if length <= 0:
            return 0
        buffer[:length] = self._fetch(self._at, self._at + length - 1)
        self._at += length
        return length


class Index:
    """Wheels for this kind of machine, in the package index that pip is set up for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._session = new_session(retries=3)
        self._address = f"{indexes(environ)[0].rstrip('/')}/"
        self._client = PyPISimple(self._address, session=self._session)

    def open(self, requirement: str) -> zipfile.ZipFile:
        """Open the wheel of `name==version`. Raises SupplyError."""
        name, _, version = requirement.partition("==")
        with network_errors(self._address):
            page = self._client.get_project_page(name, timeout=PATIENCE.timeout)
            wheel = choose(page.packages, version)
            if wheel is None:
                raise SupplyError(f"no wheel for {requirement}")
            head = self._session.head(wheel.url, allow_redirects=True, timeout=PATIENCE.timeout)
            head.raise_for_status()
            remote = Remote(int(head.headers["Content-Length"]), lambda *ends: self._fetch(head.url, *ends))
            return zipfile.ZipFile(io.BufferedReader(remote, BLOCK))

    def _fetch(self, url: str, first: int, last: int) -> bytes:
        answer = self._session.get(
            url, headers={"Range": f"bytes={first}-{last}"}, timeout=PATIENCE.timeout, stream=True
        )
        answer.raise_for_status()
        if answer.status_code != requests.codes.partial_content:
            raise SupplyError("the package index does not serve parts of files, and all of them are too large")
        return answer.content


def choose(packages: Iterable[DistributionPackage], version: str) -> DistributionPackage | None:
    """The wheel of a version that runs on x86-64, or on anything."""
    wheels = [one for one in packages if one.version == version and one.filename.endswith(("x86_64.whl", "any.whl"))]
    return wheels[0] if wheels else None


def requirements_of(metadata: str, extras: Sequence[str]) -> dict[str, str]:
    """What each extra of `cuda-toolkit` stands for on Linux: `{"cublas": "nvidia-cublas==13.1.0.3"}`.

    A library that the version does not know (cuFile came later) is missing.
    """
    found: dict[str, str] = {}
    for line in metadata.splitlines():
        if not line.startswith("Requires-Dist: "):
            continue
        one = Requirement(line.removeprefix("Requires-Dist: "))
        for extra in extras:
            if one.marker and one.marker.evaluate({"extra": extra, "sys_platform": "linux"}):
                found[extra] = f"{one.name}=={next(iter(one.specifier)).version.removesuffix('.*')}"
    return found


def libraries_in(entries: Iterable[zipfile.ZipInfo]) -> int:
    """Unpacked bytes of the shared libraries; wheels hold headers and static libraries as well."""
    return sum(one.file_size for one in entries if ".so" in Path(one.filename).name)


def sizes_of(toolkit: Toolkit, index: Index) -> dict[str, int]:
    """Bytes of every library, by the name that `cuda-toolkit` has for it."""
    with index.open(f"cuda-toolkit=={toolkit.version}") as wheel:
        metadata = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        wanted = requirements_of(wheel.read(metadata).decode(), (*IN_OURS, *RUNTIME, *PROFILING))
    wanted |= {"nccl": toolkit.nccl, "cudnn": toolkit.cudnn}
    sizes = {}
    for name, requirement in wanted.items():
        with index.open(requirement) as wheel:
            sizes[name] = libraries_in(wheel.infolist())
        say(f"{requirement}: {sizes[name] / MEBIBYTE:.0f} MiB of shared libraries")
    return sizes


def compare(what: str, ours: int, sizes: Mapping[str, int]) -> list[Comparison]:
    """Our image against ours with the rest of theirs in it."""
    runtime = ours + sum(sizes.get(name, 0) for name in (*RUNTIME, "nccl"))
    with_all = runtime + sizes["cudnn"] + sum(sizes.get(name, 0) for name in PROFILING)
    return [
        Comparison(
            what=f"{what}, {how}", ours=[ours / MEBIBYTE], theirs=[theirs / MEBIBYTE], unit="MiB unpacked", limit=LIMIT
        )
        for how, theirs in (
            ("against runtime base, cuDNN and CUPTI", with_all),
            ("against the runtime base alone", runtime),
        )
    ]


def images_of_run(run: Mapping[str, Any]) -> dict[str, int]:
    """Unpacked bytes by the tag of each image in a `run.json`."""
    images = [cell["image"] for cell in run["cells"] if cell.get("image")]
    return {image["reference"].rpartition(":")[2]: image["bytes_unpacked"] for image in images}


def images_of_engine() -> dict[str, int]:
    """Bytes that the layers of each of our images take on the engine's disk, by tag."""
    with our_engine(our_context()) as engine:
        tags = docker(engine, "image", "ls", "--format", "{{.Tag}}", IMAGES).split()
        cuda = [tag for tag in tags if tag.startswith("cuda")]
        layers = {
            tag: docker(engine, "history", "--human=false", "--format", "{{.Size}}", f"{IMAGES}:{tag}") for tag in cuda
        }
    return {tag: sum(map(int, said.split())) for tag, said in layers.items()}


def main() -> None:
    parser = arguments(__doc__, runs=1)
    parser.add_argument("--run", type=Path, metavar="FILE", help="our sizes from this run.json, not from the engine")
    asked = parser.parse_args()
    ours = images_of_run(json.loads(asked.run.read_text(encoding="utf-8"))) if asked.run else images_of_engine()
    record, index = Record(name="cuda_size"), Index(os.environ)
    for toolkit in TOOLKITS:
        record.details[toolkit.version] = sizes = sizes_of(toolkit, index)
        for tag, size in ours.items():
            if tag.startswith(toolkit.prefix):
                record.comparisons += compare(tag, size, sizes)
    record.show()
    record.write(asked.json)


if __name__ == "__main__":
    main()
