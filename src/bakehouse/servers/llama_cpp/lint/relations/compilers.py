"""What the rules know: `needs.yaml` and `compilers.yaml`."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Literal

from packaging.version import Version

from bakehouse.config.load import validate
from bakehouse.config.yaml_document import parse
from bakehouse.model.field_types import Link, Model, Text

NEEDS = "needs.yaml"
COMPILERS = "compilers.yaml"


class Need(Model):
    """One component that a build or its image must have."""

    component: Text
    place: Literal["build", "run", "image"]
    when: dict[Text, Literal["on", "off"]] = {}  # noqa: RUF012 - pydantic copies the defaults of its models
    unless: dict[Text, Literal["on", "off"]] = {}  # noqa: RUF012
    unless_flags: Text | None = None
    """Not where a compiler is told so."""
    unless_graphics: bool = False
    """Not where the host's container toolkit is asked for NVIDIA's own driver."""
    compiler: Literal["gcc"] | None = None
    """Only where this compiles it."""
    if_build_has: Text | None = None
    since_build: int | None = None
    """Only since this build number of llama.cpp, at the latest."""
    until_build: int | None = None
    """Only for files that pin an older build than this one."""
    why: Text
    instead: Text | None = None
    """Without one, the packages of the component."""
    or_else: Text | None = None
    link: Link | None = None


class Needs(Model):
    """`needs.yaml`"""

    needs: tuple[Need, ...]


class ArchFacts(Model):
    """What compiles and runs code for one arch."""

    first: Text | None = None
    last: Text | None = None
    rocblas: Text | None = None
    """First ROCm whose rocBLAS has kernels for it, or `none`."""
    rocblas_last: Text | None = None
    instead: Text | None = None


class Compilers(Model):
    """`compilers.yaml`"""

    newest_gcc: dict[Text, int]
    cmake: dict[Text, Text]
    cmake_of_families: Text
    """Oldest CMake for `120f`."""
    toolkit: dict[Text, Text]
    archs: dict[Text, ArchFacts]
    absent_packages: dict[Text, tuple[Text, ...]]

    def newest_gcc_of(self, cuda: str) -> int | None:
        """The newest GCC that nvcc of a CUDA accepts."""
        known = [one for one in self.newest_gcc if Version(one) <= Version(cuda)]
        return self.newest_gcc[max(known, key=Version)] if known else None


def is_older(version: str, than: str) -> bool:
    """Compared as far as both are written: `12.9` is not older than `12.9.1`."""
    left, right = version.split("."), than.split(".")
    parts = min(len(left), len(right))
    return Version(".".join(left[:parts])) < Version(".".join(right[:parts]))


def minor(version: str) -> str:
    """`12.9` of `12.9.1`."""
    return ".".join(version.split(".")[:2])


@functools.cache
def load_needs() -> tuple[Need, ...]:
    return validate(parse(_text(NEEDS), file=NEEDS), Needs).needs


@functools.cache
def load_compilers() -> Compilers:
    return validate(parse(_text(COMPILERS), file=COMPILERS), Compilers)


def _text(file: str) -> str:
    return resources.files("bakehouse.servers.llama_cpp.lint.relations").joinpath(file).read_text(encoding="utf-8")
